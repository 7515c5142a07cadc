import type { MemoryBudget, MemoryHolder, MemoryShare } from '../../ports/memory-budget.js'
import { ProtocolError } from '../errors.js'

/**
 * Bytes of an incomplete message that must arrive within `messageTimeoutMs` while the message takes memory. A peer that
 * sends a byte now and then makes no progress.
 */
const minProgressBytes = 1 << 10

/**
 * Encoded bytes that count as progress for each byte that they decode to. Compression that ends a block with each byte of a
 * message makes about seven bytes of it, RFC 7692 §7.2.1; empty blocks decode to nothing, however many come.
 */
const maxEncodedPerByte = 16

/** The connection whose input is incomplete. */
export interface UnfinishedInputOwner {
  /** Bytes received since the start. */
  readonly receivedBytes: number
  /** Bytes of memory that received input takes. */
  readonly heldBytes: number
  /** Whether a message or a frame is incomplete, and only the peer can be the cause. */
  readonly waitsForRest: boolean
  /** The rest makes no progress. */
  tooSlow(error: ProtocolError): void
  /** The server holds too much for all its peers, and this peer is one of the largest holders. */
  evict(): void
}

/**
 * The incomplete input of one connection: its share of the server's budget, and the progress that its peer makes. It exists
 * only while something is held; a read that brings whole messages makes none.
 */
export class UnfinishedInput implements MemoryHolder {
  /** Bytes of control frames and empty frames since then, which add nothing to a message. */
  #idleBytes = 0
  /** Bytes of the message that is arriving, if an extension has encoded it. */
  #encodedBytes = 0
  /** The bytes that were decoded, and the length of the result. */
  #decodedFrom = 0
  #decodedTo = 0
  readonly #owner: UnfinishedInputOwner
  readonly #share: MemoryShare
  /** The count of bytes that added to messages at the last progress, and the time of that progress. */
  #progress: number
  #progressedAt: number

  constructor(owner: UnfinishedInputOwner, budget: MemoryBudget, now: number) {
    this.#owner = owner
    this.#progress = owner.receivedBytes
    this.#progressedAt = now
    this.#share = budget.open(this)
  }

  /** Sets the number of bytes that are held. */
  set(heldBytes: number): void {
    this.#share.set(heldBytes)
  }

  /** A message begins. */
  beginDecoding(): void {
    this.#encodedBytes = 0
    this.#decodedFrom = 0
    this.#decodedTo = 0
  }

  /** Bytes arrived of a message that an extension has encoded. */
  addEncoded(bytes: number): void {
    this.#encodedBytes += bytes
  }

  /** Bytes arrived that bring no message further. */
  addIdle(bytes: number): void {
    this.#idleBytes += bytes
  }

  /** All that has arrived of a message is decoded now, which made so many more bytes. */
  decoded(bytes: number): void {
    this.#decodedFrom = this.#encodedBytes
    this.#decodedTo += bytes
  }

  /** Ends it: nothing is held any more. */
  close(): void {
    this.#share.close()
  }

  evict(): void {
    this.#owner.evict()
  }

  checkProgress(now: number, timeoutMs: number): void {
    const owner = this.#owner
    const progress = owner.receivedBytes - this.#idleBytes - this.#emptyBytes()
    const least = owner.heldBytes > 0 ? minProgressBytes : 1
    if (!owner.waitsForRest || progress - this.#progress >= least) {
      this.#progress = progress
      this.#progressedAt = now
    } else if (now - this.#progressedAt >= timeoutMs) {
      owner.tooSlow(
        new ProtocolError('messageTooSlow', `less than ${least} bytes of it arrived within ${timeoutMs} ms`),
      )
    }
  }

  /** Encoded bytes beyond those that their result explains. */
  #emptyBytes(): number {
    return Math.max(0, this.#decodedFrom - maxEncodedPerByte * this.#decodedTo)
  }
}
