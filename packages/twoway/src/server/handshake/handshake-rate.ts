import { TokenBucket } from '../../core/receiving/token-bucket.js'

/** The most addresses that are remembered, in about 2 MB. Beyond it the one that was seen longest ago is forgotten. */
const mostAddresses = 10_000

/** Milliseconds after which an address has its full allowance again, like a new one. */
const fullAfterMs = 1000

interface Seen {
  readonly bucket: TokenBucket
  at: number
}

/** Measures the handshakes of each peer address. */
export class HandshakeRate {
  readonly #perSecond: number
  /** In the order in which they were seen last, the oldest first. */
  readonly #addresses = new Map<string, Seen>()

  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  get addresses(): number {
    return this.#addresses.size
  }

  /** Whether another handshake of this address may be answered. @param now milliseconds */
  take(address: string, now: number): boolean {
    const network = networkOf(address)
    const { bucket } = this.#addresses.get(network) ?? { bucket: new TokenBucket(this.#perSecond, now) }
    this.#addresses.delete(network)
    this.#forget(now)
    this.#addresses.set(network, { bucket, at: now })
    return bucket.take(1, now)
  }

  #forget(now: number): void {
    for (const [address, { at }] of this.#addresses) {
      if (now - at < fullAfterMs && this.#addresses.size < mostAddresses) return
      this.#addresses.delete(address)
    }
  }
}

/** The key of an address: an IPv4 address, also one mapped to IPv6, as it is; of another IPv6 address, in the system's notation, its first 64 bits. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const within = /^::ffff:([\d.]+)$/i.exec(address)
  if (within !== null) return within[1]!
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  return [...before, ...Array.from({ length: zeros }, () => '0'), ...after].slice(0, 4).join(':')
}
