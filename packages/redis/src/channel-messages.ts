import type { BrokerContent, TopicMessage } from 'twoway/hub'

/** A message of a channel: stored messages in a row, or a volatile one with the node that has delivered it to its own clients already. */
export type ChannelMessage =
  | { readonly stored: readonly TopicMessage<BrokerContent>[] }
  | { readonly stored?: undefined; readonly volatile: BrokerContent; readonly deliveredBy: string | undefined }

/**
 * A volatile message: 'v' and the content, or 'w', a node and the content.
 * @param deliveredBy the node that delivers the message to its own clients without the channel
 */
export function volatileMessage(content: BrokerContent, deliveredBy: string | undefined): string {
  return deliveredBy === undefined ? `v${encode(content)}` : `w${deliveredBy} ${encode(content)}`
}

/**
 * A stored message, as `readStored` reads it.
 * @param number a number that no other message of its script and topic has
 */
export function storedContent(number: number, content: BrokerContent): string {
  const encoded = encode(content)
  return `${number} ${encoded.length} ${encoded}`
}

/** Reads a message of a channel. Returns undefined for a message of another program. */
export function readChannelMessage(message: string): ChannelMessage | undefined {
  switch (message[0]) {
    case 'v':
      return { volatile: decode(message, 1, message.length), deliveredBy: undefined }
    case 'w': {
      const end = message.indexOf(' ')
      if (end < 0) return undefined
      return { deliveredBy: message.slice(1, end), volatile: decode(message, end + 1, message.length) }
    }
    default: {
      const stored = readStored(message)
      return stored && { stored }
    }
  }
}

/**
 * Reads the messages that a script has stored, in a channel or in an entry of a stream: 's' with a tag, and the epoch, offset and
 * mark of their predecessor; then for each of them its number, the length of its content in UTF-16 code units, and the content.
 * The mark of a message is the tag with its number. Returns undefined for a text of another program.
 */
export function readStored(text: string): TopicMessage<BrokerContent>[] | undefined {
  if (text[0] !== 's') return undefined
  const epochAt = text.indexOf(' ') + 1
  const offsetAt = text.indexOf(' ', epochAt) + 1
  const markAt = text.indexOf(' ', offsetAt) + 1
  let at = text.indexOf(' ', markAt) + 1
  // A space that is missing is found at the beginning again.
  if (!(1 < epochAt && epochAt < offsetAt && offsetAt < markAt && markAt < at)) return undefined
  const tag = text.slice(1, epochAt - 1)
  const epoch = text.slice(epochAt, offsetAt - 1)
  let offset = Number(text.slice(offsetAt, markAt - 1))
  let previousMark = text.slice(markAt, at - 1)
  if (!Number.isSafeInteger(offset) || offset < 0) return undefined
  const stored: TopicMessage<BrokerContent>[] = []
  while (at < text.length) {
    const lengthAt = text.indexOf(' ', at) + 1
    const contentAt = text.indexOf(' ', lengthAt) + 1
    if (lengthAt <= at || contentAt <= lengthAt) return undefined
    const end = contentAt + Number(text.slice(lengthAt, contentAt - 1))
    const isContent = Number.isInteger(end) && end > contentAt && end <= text.length
    if (!isContent || (text[contentAt] !== 't' && text[contentAt] !== 'b')) return undefined
    const mark = `${tag}.${text.slice(at, lengthAt - 1)}`
    offset += 1
    stored.push({ position: { epoch, offset, mark }, previousMark, content: decode(text, contentAt, end) })
    previousMark = mark
    at = end
  }
  return stored
}

/** 't' and text, or 'b' and bytes in base64. */
function encode(content: BrokerContent): string {
  return typeof content === 'string' ? `t${content}` : `b${Buffer.from(content).toString('base64')}`
}

function decode(text: string, start: number, end: number): BrokerContent {
  const content = text.slice(start + 1, end)
  return text[start] === 't' ? content : Buffer.from(content, 'base64')
}
