import type { BrokerContent, TopicMessage } from 'twoway/hub'
import { decode, encode } from './replies.js'

/** A message of a channel: a stored one, or a volatile one with the node that has delivered it to its own clients already. */
export type ChannelMessage =
  | { readonly stored: TopicMessage<BrokerContent> }
  | { readonly stored?: undefined; readonly volatile: BrokerContent; readonly deliveredBy: string | undefined }

/**
 * A volatile message: 'v' and the content, or 'w', a node and the content.
 * @param deliveredBy the node that delivers the message to its own clients without the channel
 */
export function volatileMessage(content: BrokerContent, deliveredBy: string | undefined): string {
  return deliveredBy === undefined ? `v${encode(content)}` : `w${deliveredBy} ${encode(content)}`
}

/**
 * Reads a volatile message, or a stored one of the script: 's' with epoch, offset, mark, predecessor's mark and content.
 * Returns undefined for a message of another program.
 */
export function readChannelMessage(message: string): ChannelMessage | undefined {
  let at = 1
  const word = (): string => {
    const end = message.indexOf(' ', at)
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
      const position = { epoch: word(), offset: Number(word()), mark: word() }
      const previousMark = word()
      if (!Number.isSafeInteger(position.offset) || position.offset < 1) return undefined
      return { stored: { position, previousMark, content: decode(message.slice(at)) } }
    }
    default:
      return undefined
  }
}
