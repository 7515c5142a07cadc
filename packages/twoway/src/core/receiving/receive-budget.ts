import type { MemoryBudget, MemoryHolder, MemoryShare } from '../../ports/memory-budget.js'
import { UnorderedSet } from '../unordered-set.js'

/** Holders are grouped by the bit length of their bytes: from nothing to 4 GiB. */
const sizeClasses = 33

/**
 * The memory of a server's incomplete input, for all peers together: messages, frames, handshakes and request heads of
 * which the rest has not arrived, and input that was not consumed yet.
 *
 * Near the limit, it evicts the largest holders until the sum is small enough. It finds them without a search: holders
 * are grouped into classes by powers of two, so an evicted holder is at least half as large as any other.
 */
export class ReceiveBudget implements MemoryBudget {
  readonly limit: number
  readonly #maxHeldBytes: number
  readonly #classes = Array.from({ length: sizeClasses }, () => new UnorderedSet<Share>())
  #used = 0

  /** @param limit in bytes. An eighth is reserved for the allocator's overhead and fragmentation. */
  constructor(limit: number) {
    this.limit = limit
    this.#maxHeldBytes = limit - Math.floor(limit / 8)
  }

  /** Bytes held now. */
  get used(): number {
    return this.#used
  }

  /** Number of open shares. */
  get holders(): number {
    return this.#classes.reduce((sum, { size }) => sum + size, 0)
  }

  open(holder: MemoryHolder): MemoryShare {
    const share = new Share(this, holder)
    this.#classes[0]!.add(share)
    return share
  }

  /** Lets each holder check the progress of its peer. */
  checkProgress(now: number, timeoutMs: number): void {
    // A copy, as a holder that fails closes its share.
    const holders = this.#classes.flatMap((shares) => [...shares])
    for (const { holder } of holders) holder.checkProgress?.(now, timeoutMs)
  }

  /** Updates the sum and the class of a share. */
  move(share: Share, before: number, now: number): void {
    this.#used += now - before
    const [from, to] = [classOf(before), classOf(now)]
    if (from !== to) {
      this.#classes[from]!.remove(share)
      this.#classes[to]!.add(share)
    }
    while (this.#used > this.#maxHeldBytes) this.#largest().evict()
  }

  remove(share: Share, held: number): void {
    this.#used -= held
    this.#classes[classOf(held)]!.remove(share)
  }

  /** Closes the share first: a holder that fails to evict is not asked again. */
  #largest(): MemoryHolder {
    const share = this.#classes.findLast(({ size }) => size > 0)!.last!
    share.close()
    return share.holder
  }
}

class Share implements MemoryShare {
  /** Owned by the UnorderedSet. */
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
