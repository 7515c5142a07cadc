/** The private parts of Node, and how things are done without each. */
const ordinaryWays = {
  handles: 'connections use streams',
  listening: 'a server makes a socket of each connection first',
  tls: 'TLS sockets read by events',
  zlib: 'messages are compressed and inflated in the thread pool or by a new context each',
  buffer: 'text is encoded and decoded by TextEncoder and TextDecoder',
} as const

export type PrivatePart = keyof typeof ordinaryWays

const reasons = new Map<PrivatePart, string>()

/** Notes why a private part is not used; without a reason, that it is. The last call counts. */
export function noteFallback(part: PrivatePart, reason: string | undefined): void {
  if (reason === undefined) reasons.delete(part)
  else reasons.set(part, `${ordinaryWays[part]}: ${reason}`)
}

/** Whether nothing speaks against a private part so far. */
export function isUsed(part: PrivatePart): boolean {
  return !reasons.has(part)
}

/** A sentence for each private part that is not used. A new array each time. */
export function fallbackReasons(): readonly string[] {
  return [...reasons.values()]
}
