import type { Payload } from '../../ports/payload.js'
import type { BroadcastMessage } from './broadcast-message.js'

/** A text as its UTF-8, which the sender has checked (RFC 6455 §8.1). */
export class TextBytes {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get length(): number {
    return this.bytes.length
  }
}

/** A message to send: text as a string or as UTF-8, binary as bytes, or one of either kind for many connections. */
export type WholeMessage = string | Uint8Array | TextBytes | BroadcastMessage

/** Length of the message's payload in bytes. */
export function lengthOf(payload: Payload, message: WholeMessage): number {
  return typeof message === 'string' ? payload.byteLength(message) : message.length
}
