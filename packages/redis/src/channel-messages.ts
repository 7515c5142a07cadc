import type { BrokerContent, TopicMessage } from 'twoway/hub'
import { decode, encode } from './replies.js'

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
 * Reads a volatile message, or those that a script has stored: 's' with epoch, offset of the first one, tag, and the mark of the
 * predecessor; then for each of them its number, the length of its content, and the content.
 * Returns undefined for a message of another program.
 */
export function readChannelMessage(message: string): ChannelMessage | undefined {
  let at = 1
  const word = (): string => {
    const end = message.indexOf(' ', at)
    if (end < 0) {
      at = message.length
      return ''
    }
    const found = message.slice(at, end)
    at = end + 1
    return found
  }
  switch (message[0]) {
    case 'v':
      return { volatile: decode(message.slice(1)), deliveredBy: undefined }
    case 'w':
      return { deliveredBy: word(), volatile: decode(message.slice(at)) }
    case 's': {
      const [epoch, first, tag] = [word(), Number(word()), word()]
      let previousMark = word()
      if (!Number.isSafeInteger(first) || first < 1) return undefined
      const stored: TopicMessage<BrokerContent>[] = []
      while (at < message.length) {
        const position = { epoch, offset: first + stored.length, mark: `${tag}.${word()}` }
        const length = Number(word())
        if (!(length > 0 && at + length <= message.length)) return undefined
        stored.push({ position, previousMark, content: decode(message.slice(at, at + length)) })
        previousMark = position.mark
        at += length
      }
      return { stored }
    }
    default:
      return undefined
  }
}
