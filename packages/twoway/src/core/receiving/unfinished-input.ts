import type { MemoryBudget, MemoryHolder, MemoryShare } from '../../ports/memory-budget.js'
import { ProtocolError } from '../errors.js'

/**
 * Bytes of frames that must come within the time that an unfinished message has, where it takes memory: a peer that
 * sends one from time to time makes no progress.
 */
const leastProgress = 1 << 10

/** The connection whose input is not complete. */
export interface UnfinishedInputOwner {
  /** Bytes received since the start. */
  readonly receivedBytes: number
  /** Bytes of memory taken for what was received. */
  readonly heldBytes: number
  /** Whether a message or a frame has begun of which the rest has not come, and only the peer keeps it from coming. */
  readonly waitsForRest: boolean
  /** The rest does not come on. */
  tooSlow(error: ProtocolError): void
  /** The server holds too much for all its peers, and more for this one than for most. */
  letGo(): void
}

/**
 * What one connection holds of input that is not complete, as the server's budget counts it, and whether its peer goes on
 * with it. There is one while something is held: reads that bring whole messages make none.
 */
export class UnfinishedInput implements MemoryHolder {
  /** Bytes of control frames and of empty ones that came since, which bring no message further. */
  idleBytes = 0
  readonly #owner: UnfinishedInputOwner
  readonly #share: MemoryShare
  /** The bytes that had brought messages further when there was progress last, and when that was. */
  #progress: number
  #progressedAt: number

  constructor(owner: UnfinishedInputOwner, budget: MemoryBudget, now: number) {
    this.#owner = owner
    this.#progress = owner.receivedBytes
    this.#progressedAt = now
    this.#share = budget.open(this)
  }

  /** So many bytes are held now. */
  set(heldBytes: number): void {
    this.#share.set(heldBytes)
  }

  /** Nothing is held any more. */
  close(): void {
    this.#share.close()
  }

  letGo(): void {
    this.#owner.letGo()
  }

  checkProgress(now: number, timeoutMs: number): void {
    const owner = this.#owner
    const progress = owner.receivedBytes - this.idleBytes
    const least = owner.heldBytes > 0 ? leastProgress : 1
    if (!owner.waitsForRest || progress - this.#progress >= least) {
      this.#progress = progress
      this.#progressedAt = now
    } else if (now - this.#progressedAt >= timeoutMs) {
      owner.tooSlow(new ProtocolError('messageTooSlow', `less than ${least} bytes of it came within ${timeoutMs} ms`))
    }
  }
}
