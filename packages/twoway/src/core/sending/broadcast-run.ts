import type { Payload } from '../../ports/payload.js'
import type { BroadcastMessage } from './broadcast-message.js'

/**
 * Messages in a row for many connections, such as those that the clients of a topic have missed. Their frames are joined
 * once, so that a connection without an extension takes all of them as one piece.
 */
export class BroadcastRun {
  readonly messages: readonly BroadcastMessage[]
  readonly #payload: Payload
  #frames: Uint8Array | undefined

  constructor(messages: readonly BroadcastMessage[], payload: Payload) {
    this.messages = messages
    this.#payload = payload
  }

  /** The frames of all messages, RFC 6455 §5.2. They never change. */
  get frames(): Uint8Array {
    this.#frames ??= this.#join()
    return this.#frames
  }

  #join(): Uint8Array {
    const frames = this.messages.map(({ frame }) => frame)
    const joined = this.#payload.allocate(frames.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const frame of frames) {
      joined.set(frame, at)
      at += frame.length
    }
    return joined
  }
}
