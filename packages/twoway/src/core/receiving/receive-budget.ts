import type { MemoryBudget, MemoryHolder, MemoryShare } from '../../ports/memory-budget.js'
import { UnorderedSet } from '../unordered-set.js'

/** Holders are sorted by the length of what they hold in bits: from nothing to 4 GiB. */
const sizeClasses = 33

/**
 * The memory that one server holds of input that is not complete, for all its peers together: messages, frames,
 * handshakes and request heads of which the rest has not come, and what has come and has not been taken.
 *
 * Where it comes near the limit the largest holders let go until it does not. They are found without a search: a holder is
 * in the class of those that hold up to twice as much, so that the one that is told is at least half as large as any.
 */
export class ReceiveBudget implements MemoryBudget {
  readonly limit: number
  readonly #maxHeldBytes: number
  readonly #classes = Array.from({ length: sizeClasses }, () => new UnorderedSet<Share>())
  #used = 0

  /** @param limit bytes, at most, of which an eighth is left to the allocator: for its own needs, and what it can't use */
  constructor(limit: number) {
    this.limit = limit
    this.#maxHeldBytes = limit - Math.floor(limit / 8)
  }

  /** Bytes held now. */
  get used(): number {
    return this.#used
  }

  /** Shares that are open. */
  get holders(): number {
    return this.#classes.reduce((sum, { size }) => sum + size, 0)
  }

  open(holder: MemoryHolder): MemoryShare {
    const share = new Share(this, holder)
    this.#classes[0]!.add(share)
    return share
  }

  /** Has each holder see whether its peer has sent enough. */
  checkProgress(now: number, timeoutMs: number): void {
    // A holder that fails closes its share.
    const holders = this.#classes.flatMap((shares) => [...shares])
    for (const { holder } of holders) holder.checkProgress?.(now, timeoutMs)
  }

  /** A share has changed. */
  move(share: Share, before: number, now: number): void {
    this.#used += now - before
    const [from, to] = [classOf(before), classOf(now)]
    if (from !== to) {
      this.#classes[from]!.remove(share)
      this.#classes[to]!.add(share)
    }
    while (this.#used > this.#maxHeldBytes) this.#largest.evict()
  }

  remove(share: Share, held: number): void {
    this.#used -= held
    this.#classes[classOf(held)]!.remove(share)
  }

  /** Its share is closed first: a holder that fails to let go is not asked again and again. */
  get #largest(): MemoryHolder {
    const share = this.#classes.findLast(({ size }) => size > 0)!.last!
    share.close()
    return share.holder
  }
}

class Share implements MemoryShare {
  /** The roster's own. */
  index = -1
  readonly holder: MemoryHolder
  readonly #budget: ReceiveBudget
  #held = 0
  #isOpen = true

  constructor(budget: ReceiveBudget, holder: MemoryHolder) {
    this.#budget = budget
    this.holder = holder
  }

  set(bytes: number): void {
    const before = this.#held
    if (bytes === before || !this.#isOpen) return
    this.#held = bytes
    this.#budget.move(this, before, bytes)
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#budget.remove(this, this.#held)
    this.#held = 0
  }
}

function classOf(bytes: number): number {
  return Math.min(sizeClasses - 1, 32 - Math.clz32(Math.min(bytes, 2 ** 32 - 1)))
}
