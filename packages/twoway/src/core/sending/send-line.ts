import type { BroadcastMessage } from './broadcast-message.js'
import type { OutgoingMessage } from './outgoing-message.js'

/** A whole message that waits, with the octets that it counts. */
interface WaitingMessage {
  /** Left unchanged. */
  readonly message: string | Uint8Array
  readonly octets: number
  readonly compress: boolean | undefined
  /** The message, where it goes to others too. */
  readonly broadcast: BroadcastMessage | undefined
}

interface Framing {
  /** Frames a whole message whose turn has come. */
  transmit(message: string | Uint8Array, compress: boolean | undefined, broadcast: BroadcastMessage | undefined): void
  /** Runs an action once all that was transmitted is framed: now, where it is. */
  afterwards(action: () => void): void
}

/**
 * The messages that wait behind one that goes out in pieces, in their order (RFC 6455 §5.4: the fragments of one
 * message must not be interleaved with those of another). It begins with the message that goes out.
 */
export class SendLine {
  readonly #framing: Framing
  #first: OutgoingMessage
  #waiting: (WaitingMessage | OutgoingMessage)[] = []
  #octets = 0

  constructor(first: OutgoingMessage, framing: Framing) {
    this.#first = first
    this.#framing = framing
    framing.afterwards(() => first.begin())
  }

  /** Octets that wait for their turn. */
  get waitingBytes(): number {
    return this.#octets + this.#first.gatheredBytes
  }

  add(message: WaitingMessage): void {
    this.#waiting.push(message)
    this.#octets += message.octets
  }

  addOutgoing(message: OutgoingMessage): void {
    this.#waiting.push(message)
  }

  /** The network may have taken what waited. */
  proceed(): void {
    this.#first.proceed()
  }

  /** A message is over, or gives up its place. Returns whether the line is done with. */
  leave(message: OutgoingMessage): boolean {
    if (message !== this.#first) {
      this.#waiting = this.#waiting.filter((other) => other !== message)
      return false
    }
    const waiting = this.#waiting
    for (let at = 0; at < waiting.length; at += 1) {
      const next = waiting[at]!
      if ('octets' in next) {
        this.#octets -= next.octets
        this.#framing.transmit(next.message, next.compress, next.broadcast)
      } else {
        this.#waiting = waiting.slice(at + 1)
        this.#first = next
        this.#framing.afterwards(() => next.begin())
        return false
      }
    }
    return true
  }

  /** What has not gone never will. */
  close(error: Error): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#octets = 0
    this.#first.close(error)
    for (const message of waiting) if (!('octets' in message)) message.close(error)
  }
}
