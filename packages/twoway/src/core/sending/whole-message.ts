import type { Payload } from '../../ports/payload.js'
import type { BroadcastMessage } from './broadcast-message.js'

/** A message to send: text as a string, binary as bytes, or one of either kind for many connections. */
export type WholeMessage = string | Uint8Array | BroadcastMessage

/** Length of the message's payload in bytes. */
export function lengthOf(payload: Payload, message: WholeMessage): number {
  return typeof message === 'string' ? payload.byteLength(message) : message.length
}
