import type { BrokerContent } from '../ports/broker/broker.js'
import type { Json, Member } from '../subprotocol/messages.js'

/** The messages between the processes of a hub: docs/reference/protocol.md does not have them, as no client sees them. */
export type NodeMessage = { readonly n: string } & (
  | { readonly op: 'ask' | 'alive' | 'bye' }
  | { readonly op: 'all'; readonly members: readonly Member[] }
  | { readonly op: 'join'; readonly user: string; readonly info?: Json | undefined }
  | { readonly op: 'leave'; readonly user: string }
)

/** Reads a message of another process. Throws for anything else: another program may use the same broker. */
export function readNodeMessage(topic: string, content: BrokerContent): NodeMessage {
  const text = String(content)
  try {
    const message = JSON.parse(text)
    if (isNodeMessage(message)) return message
  } catch {
    // The error below tells more than the parser's.
  }
  throw new TypeError(`a message of "${topic}" is none of a hub: ${text.slice(0, 100)}`)
}

function isNodeMessage(value: unknown): value is NodeMessage {
  const { n, op, user, members } = value as Readonly<Record<string, unknown>>
  if (typeof n !== 'string') return false
  switch (op) {
    case 'ask':
    case 'alive':
    case 'bye':
      return true
    case 'join':
    case 'leave':
      return typeof user === 'string'
    case 'all':
      return Array.isArray(members) && members.every((member) => typeof member?.user === 'string')
    default:
      return false
  }
}
