const host = /^(?:\[[0-9a-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})+)(?::[0-9]*)?$/i
const visible = /^[\x21\x22\x24-\x7e]+$/
const absolute = /^(?:https?|wss?):\/\/([^/?]+)/i

/** The path of a request-target as it was sent, without the query; '/' where it has none. */
export function pathOf(target: string): string {
  return /^(?:[a-z]+:\/\/[^/?]*)?(\/[^?]*)?/i.exec(target)?.[1] ?? '/'
}

/** Whether a text can be a Host: a name or an address, and perhaps a port, RFC 9110 §7.2, RFC 3986 §3.2.2. */
export function isHost(text: string): boolean {
  return host.test(text)
}

/**
 * Whether a text can be the request-target of a handshake with `host`: a path, or an absolute URI of that host, without
 * a fragment, §4.2.1. A URI of another host would hide it from whoever decides by Host: RFC 9112 §3.2.2 lets it win.
 */
export function isTarget(text: string, host: string): boolean {
  if (!visible.test(text)) return false
  return text.startsWith('/') || absolute.exec(text)?.[1]?.toLowerCase() === host.toLowerCase()
}
