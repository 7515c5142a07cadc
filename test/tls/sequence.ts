/** Whom a sequence of TLS messages meets: a server of ours, an app's server that ours is attached to, or our client. */
export const hosts = ['serve', 'https', 'http2', 'client', 'client by a proxy'] as const

export type Host = (typeof hosts)[number]

/** A fault in one of the records that the peer sends, by its index. */
export interface WireFault {
  readonly record: number
  readonly kind: 'cut' | 'drop' | 'repeat' | 'corrupt' | 'dribble' | 'inject' | 'swap' | 'end' | 'reset' | 'swallow'
  /** The position in the record, or the index of the record that is injected before it. */
  readonly value: number
}

/** The acts of the peer, one after another. */
export const acts = [
  'request',
  'half a request',
  'the rest',
  'messages',
  'half a message',
  'a close',
  'garbage',
  'a look',
  'renegotiation',
  'renegotiations at once',
  'close_notify',
  'an end of TCP',
  'a reset',
  'no reading',
] as const

/** The acts of a TLS 1.3 peer that seals its records itself with the negotiated keys. */
export const forgeries = [
  'key updates',
  'key updates that ask for ours',
  'a fatal alert',
  'a warning',
  'close_notify within a message',
  'a ticket',
  'a request for a certificate',
  'a hello',
  'empty records',
  'a record of zeros',
  'an unknown type',
  'a record with a wrong tag',
  'a handshake message in pieces',
  'an end of early data',
] as const

export type Act = (typeof acts)[number] | (typeof forgeries)[number]

export interface Sequence {
  readonly host: Host
  readonly version: 'TLSv1.2' | 'TLSv1.3'
  /** The server name that the peer requests. Some names make the server's SNICallback fail or respond late. */
  readonly servername: string
  readonly protocols: readonly string[]
  readonly asksForStatus: boolean
  /** Whether the peer resumes the session of an earlier connection; 'tampered' means a changed session. */
  readonly session: 'none' | 'own' | 'tampered'
  readonly faults: readonly WireFault[]
  readonly acts: readonly Act[]
}

/** Pseudo-random numbers that are determined by a seed and an index. */
class Draws {
  #state: number

  constructor(seed: number, index: number) {
    this.#state = mix(mix(seed | 0) ^ Math.imul(index + 1, 0x9e3779b1))
  }

  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    return Math.floor((mix(this.#state) / 2 ** 32) * count)
  }

  of<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!
  }
}

function mix(value: number): number {
  const first = Math.imul(value ^ (value >>> 15), value | 1)
  const second = first ^ (first + Math.imul(first ^ (first >>> 7), first | 61))
  return (second ^ (second >>> 14)) >>> 0
}

const faultKinds: readonly WireFault['kind'][] = [
  'cut',
  'drop',
  'repeat',
  'corrupt',
  'dribble',
  'inject',
  'inject',
  'swap',
  'end',
  'reset',
  'swallow',
]

/**
 * The peer does not offer HTTP/2 to a server of node:http2: its sessions are not ours, and Node, up to 26.10 at least, leaves the
 * socket of one open whose TLS 1.2 was renegotiated.
 */
const protocols: readonly (readonly string[])[] = [
  [],
  [],
  ['http/1.1'],
  ['http/1.1'],
  ['http/1.1', 'h2'],
  ['h2'],
  ['unheard-of'],
]

/** The sequence that a seed and an index determine. */
export function sequenceOf(seed: number, index: number): Sequence {
  const draws = new Draws(seed, index)
  const version = draws.of(['TLSv1.2', 'TLSv1.2', 'TLSv1.3'] as const)
  const host = draws.of([...hosts, 'serve'] as const)
  // Half of the sequences complete the handshake without faults, so that the acts after it run.
  const faults = Array.from({ length: draws.of([0, 0, 1, 2]) }, () => ({
    record: draws.below(12),
    kind: draws.of(faultKinds),
    value: draws.below(1 << 16),
  }))
  const isForged = version === 'TLSv1.3' && draws.below(2) === 0
  const usual: readonly Act[] = isForged ? [...forgeries, 'request', 'messages', 'half a message', 'a look'] : acts
  const begin: readonly Act[] = draws.of([
    [],
    ['half a request'],
    ['half a request', 'the rest', 'a look'],
    ['request'],
    ['request', 'a look'],
    ['request', 'a look', 'messages'],
    ['request', 'a look', 'messages', 'a look', 'a close', 'a look'],
    ['request', 'a look', 'a close', draws.of(['close_notify', 'an end of TCP', 'a look'])],
  ])
  return {
    host,
    version,
    servername: draws.of(['localhost', 'localhost', 'localhost', 'localhost', 'fails.test', 'late.test', '']),
    protocols: draws.of(host === 'http2' ? protocols.filter((each) => !each.includes('h2')) : protocols),
    asksForStatus: draws.below(4) === 0,
    session: draws.of(['none', 'none', 'none', 'own', 'tampered']),
    faults,
    acts: [...begin, ...Array.from({ length: 1 + draws.below(5) }, () => draws.of(usual))],
  }
}
