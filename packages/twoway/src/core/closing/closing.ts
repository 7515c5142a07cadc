import type { Clock, Timer } from '../../ports/clock.js'
import type { Payload } from '../../ports/payload.js'
import type { Transport } from '../../ports/transport.js'
import type { SendQueue } from '../sending/send-queue.js'
import { type CloseStatus, closePayloadOf } from './close-payload.js'
import { type ClosingAction, type ClosingEvent, type ClosingState, closingHandshake } from './closing-handshake.js'

/** What a connection closes with. */
export interface ClosingParts {
  readonly role: 'client' | 'server'
  readonly transport: Transport
  readonly queue: SendQueue
  readonly payload: Payload
  readonly clock: Clock
  /** What the peer has for its part. */
  readonly closeTimeoutMs: number
}

/** Whose closing it is. */
export interface ClosingOwner {
  /** The peer did not do its part in time: the owner has the event 'timeout' follow. */
  closeTimedOut(): void
}

/** Where the connection can't go on, what is not framed yet is not sent. */
const dropsMessages: ReadonlySet<ClosingEvent> = new Set(['fail', 'timeout', 'terminate', 'lost'])

const noStatus: CloseStatus = { code: 1005, reason: '' }
const noClose: CloseStatus = { code: 1006, reason: '' }

/**
 * How a connection closes, from the first event that has it leave the open state: does what the closing handshake's table
 * says, RFC 6455 §7, with the status that each side gives and the time that the peer has.
 */
export class Closing {
  readonly #parts: ClosingParts
  readonly #owner: ClosingOwner
  #state: ClosingState = 'open'
  #ownStatus = noStatus
  #peerStatus = noClose
  #timer: Timer | undefined

  constructor(parts: ClosingParts, owner: ClosingOwner) {
    this.#parts = parts
    this.#owner = owner
  }

  get state(): ClosingState {
    return this.#state
  }

  /** What the peer's Close said, 1006 where none came (§7.1.5). */
  get peerStatus(): CloseStatus {
    return this.#peerStatus
  }

  /**
   * Does what an event asks for, or nothing where the table forbids it.
   * @param status of the peer's Close with 'peerClose', else what ours is to say
   */
  move(event: ClosingEvent, status: CloseStatus | undefined): void {
    const move = closingHandshake[this.#state][event]
    if (move === undefined) return
    if (event === 'peerClose') this.#peerStatus = status ?? noStatus
    // §5.5.1: an answer usually echoes the code; with the reason too, who closed first sees that it was understood.
    if (event !== 'peerClose' || this.#state === 'open') this.#ownStatus = status ?? this.#ownStatus
    this.#state = move.next
    if (event === 'lost') this.#timer?.cancel()
    if (dropsMessages.has(event)) this.#parts.queue.cancel()
    move.actions.forEach((action) => {
      Closing.#perform[action](this)
    })
  }

  static readonly #perform: { readonly [action in ClosingAction]: (closing: Closing) => void } = {
    sendClose(closing) {
      const { payload, queue } = closing.#parts
      queue.close(closePayloadOf(payload, closing.#ownStatus))
    },
    startTimer(closing) {
      closing.#timer?.cancel()
      const { clock, closeTimeoutMs } = closing.#parts
      closing.#timer = clock.after(closeTimeoutMs, () => closing.#owner.closeTimedOut())
    },
    end(closing) {
      closing.#parts.queue.end()
    },
    endIfServer(closing) {
      if (closing.#parts.role === 'server') Closing.#perform.end(closing)
    },
    destroy(closing) {
      closing.#parts.transport.destroy()
    },
  }
}
