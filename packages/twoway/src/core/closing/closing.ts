import type { Timer } from '../../ports/clock.js'
import type { SendQueue } from '../sending/send-queue.js'
import { type CloseStatus, closePayloadOf } from './close-payload.js'
import { type ClosingAction, type ClosingEvent, type ClosingState, closingHandshake } from './closing-handshake.js'

/** The connection that closes. */
export interface ClosingOwner {
  /** The peer did not act in time. The owner then passes the event 'timeout'. */
  closeTimedOut(): void
}

/** Events after which the connection can't continue, so messages that are not framed yet are dropped. */
const dropsMessages: ReadonlySet<ClosingEvent> = new Set(['fail', 'timeout', 'terminate', 'lost'])

const noStatus: CloseStatus = { code: 1005, reason: '' }
const noClose: CloseStatus = { code: 1006, reason: '' }

/**
 * The closing of a connection, from the first event that makes it leave the open state. Executes the table of the
 * closing handshake, RFC 6455 §7, with each side's status and the peer's time limit.
 */
export class Closing {
  readonly #queue: SendQueue
  readonly #owner: ClosingOwner
  #state: ClosingState = 'open'
  #ownStatus = noStatus
  #peerStatus = noClose
  #timer: Timer | undefined

  constructor(queue: SendQueue, owner: ClosingOwner) {
    this.#queue = queue
    this.#owner = owner
  }

  get state(): ClosingState {
    return this.#state
  }

  /** The status of the peer's Close, 1006 if none arrived (§7.1.5). */
  get peerStatus(): CloseStatus {
    return this.#peerStatus
  }

  /**
   * Executes an event, or does nothing if the table has no entry for it.
   * @param status the peer's with 'peerClose', else the one that our Close is to carry
   */
  move(event: ClosingEvent, status: CloseStatus | undefined): void {
    const move = closingHandshake[this.#state][event]
    if (move === undefined) return
    if (event === 'peerClose') this.#peerStatus = status ?? noStatus
    // §5.5.1: an answer usually echoes the code. With the reason too, the peer sees that its Close was understood.
    if (event !== 'peerClose' || this.#state === 'open') this.#ownStatus = status ?? this.#ownStatus
    this.#state = move.next
    if (event === 'lost') this.#timer?.cancel()
    if (dropsMessages.has(event)) this.#queue.cancel()
    move.actions.forEach((action) => {
      Closing.#perform[action](this)
    })
  }

  static readonly #perform: { readonly [action in ClosingAction]: (closing: Closing) => void } = {
    sendClose(closing) {
      const queue = closing.#queue
      queue.close(closePayloadOf(queue.ports.payload, closing.#ownStatus))
    },
    startTimer(closing) {
      closing.#timer?.cancel()
      const { ports, limits } = closing.#queue
      closing.#timer = ports.clock.after(limits.closeTimeoutMs, () => closing.#owner.closeTimedOut())
    },
    end(closing) {
      closing.#queue.end()
    },
    endIfServer(closing) {
      const isServer = !closing.#queue.frameWriter.masks
      if (isServer) Closing.#perform.end(closing)
    },
    destroy(closing) {
      closing.#queue.frameWriter.transport.destroy()
    },
  }
}
