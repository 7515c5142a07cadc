/** The private parts of Node, with the public way that replaces each. */
const ordinaryWays = {
  handles: 'connections use streams',
  listening: 'a server makes a socket of each connection first',
  tls: 'TLS sockets read by events',
  zlib: 'messages are compressed and inflated in the thread pool or by a new context each',
  buffer: 'text is encoded and decoded by TextEncoder and TextDecoder',
} as const

export type PrivatePart = keyof typeof ordinaryWays

const reasons = new Map<PrivatePart, string>()

/** Records the reason why a private part is not used, or without a reason, that it is. The last call counts. */
export function noteFallback(part: PrivatePart, reason: string | undefined): void {
  if (reason === undefined) reasons.delete(part)
  else reasons.set(part, `${ordinaryWays[part]}: ${reason}`)
}

/** Whether a private part is used, as far as is known. */
export function isUsed(part: PrivatePart): boolean {
  return !reasons.has(part)
}

/** A sentence for each private part that is not used, without those that do not matter. A new array each time. */
export function fallbackReasons(without: readonly PrivatePart[] = []): readonly string[] {
  return [...reasons].filter(([part]) => !without.includes(part)).map(([, reason]) => reason)
}
