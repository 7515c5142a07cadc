import { type IpAddress, isV4, parseAddress } from '../../core/proxy-protocol/ip-address.js'

/** The value of the option `trustedProxies`. */
export type TrustedProxiesOption = number | string | readonly string[]

interface Subnet {
  readonly address: IpAddress
  /** Of the 128 bits of an IPv6 address. */
  readonly bits: number
}

/** Names of subnets: RFC 1122 §3.2.1.3 and RFC 4291 §2.5.3; RFC 1918, RFC 3927, RFC 4193 and RFC 4291 §2.5.6. */
const named: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fc00::/7', 'fe80::/10'],
}

/** The most hops. Longer chains of proxies are mistakes. */
const mostHops = 32

/** Whether a value can be the option `trustedProxies`. */
export function isTrustedProxies(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 && value <= mostHops
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value]
  return texts.every(
    (text) =>
      typeof text === 'string' && (text === 'unix' || Object.hasOwn(named, text) || parseSubnet(text) !== undefined),
  )
}

/** The proxies whose word on a client counts: those of some subnets, or as many as stand in front of the server. */
export class TrustedProxies {
  readonly #hops: number
  readonly #subnets: readonly Subnet[]
  readonly #trustsUnix: boolean
  /** Whether the option says that there is no proxy, and is not merely left out. */
  readonly isNone: boolean

  /** Takes an option that `isTrustedProxies` has accepted. */
  constructor(option: TrustedProxiesOption) {
    this.isNone = option === 0
    this.#hops = typeof option === 'number' ? option : 0
    const texts = typeof option === 'number' ? [] : typeof option === 'string' ? [option] : option
    this.#trustsUnix = texts.includes('unix')
    this.#subnets = texts.flatMap((text) => named[text] ?? [text]).flatMap((text) => parseSubnet(text) ?? [])
  }

  /** Whether no peer is trusted. */
  get isEmpty(): boolean {
    return this.#hops === 0 && this.#subnets.length === 0 && !this.#trustsUnix
  }

  /**
   * Whether a proxy is trusted.
   * @param address undefined for the peer of a Unix socket
   * @param distance the number of proxies between this one and the server
   */
  trusts(address: string | undefined, distance: number): boolean {
    if (distance < this.#hops) return true
    if (address === undefined) return this.#trustsUnix
    // A zone names an interface of this machine. It has no part in the address.
    const parsed = this.#subnets.length === 0 ? undefined : parseAddress(address.replace(/%.*$/s, ''))
    return parsed !== undefined && this.#subnets.some((subnet) => contains(subnet, parsed))
  }
}

function parseSubnet(text: string): Subnet | undefined {
  const [, written = '', length] = /^([^/]*)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? []
  const address = parseAddress(written)
  if (address === undefined) return undefined
  const isShort = isV4(address) && !written.includes(':')
  const most = isShort ? 32 : 128
  const bits = length === undefined ? most : Number(length)
  return bits > most ? undefined : { address, bits: isShort ? 96 + bits : bits }
}

function contains({ address, bits }: Subnet, other: IpAddress): boolean {
  for (let group = 0; group < 8 && group * 16 < bits; group += 1) {
    const unused = Math.max(0, 16 - (bits - group * 16))
    if (address[group]! >> unused !== other[group]! >> unused) return false
  }
  return true
}
