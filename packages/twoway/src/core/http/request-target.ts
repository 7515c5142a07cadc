import type { RequestHead } from '../../ports/http-host.js'
import { isSameText } from './field-syntax.js'

const host = /^(?:\[[0-9a-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})+)(?::[0-9]*)?$/i
/** Without `\\`, which RFC 3986 does not know, and which URL parsers read as a slash: a proxy's rule for a path would not see it. */
const visible = /^[\x21\x22\x24-\x5b\x5d-\x7e]+$/
const absolute = /^(?:https?|wss?):\/\/([^/?]+)/i

/** The path of a request-target, not decoded and without the query; '/' if it has none. */
export function pathOf(target: string): string {
  return /^(?:[a-z]+:\/\/[^/?]*)?(\/[^?]*)?/i.exec(target)?.[1] ?? '/'
}

/** Whether a text is a valid Host: a name or an address, with or without a port, RFC 9110 §7.2, RFC 3986 §3.2.2. */
export function isHost(text: string): boolean {
  return host.test(text)
}

/**
 * Replaces the Host by the host of the target if that is an absolute URI, RFC 9112 §3.2.2. Checks of the Host then
 * apply to the requested host.
 */
export function withHostOfTarget(head: RequestHead): RequestHead {
  const host = head.target.startsWith('/') ? undefined : absolute.exec(head.target)?.[1]
  if (host === undefined) return head
  const { method, target, version, fields } = head
  const isHostValue = (at: number): boolean => at % 2 === 1 && isSameText(fields[at - 1]!, 'host')
  return { method, target, version, fields: fields.map((part, at) => (isHostValue(at) ? host : part)) }
}

/**
 * Whether a text is a valid request-target of a handshake with `host`: a path, or an absolute URI of that host, without
 * a fragment, §4.2.1. A URI of another host would bypass checks of the Host, as it takes precedence: RFC 9112 §3.2.2.
 */
export function isTarget(text: string, host: string): boolean {
  if (!visible.test(text)) return false
  return text.startsWith('/') || absolute.exec(text)?.[1]?.toLowerCase() === host.toLowerCase()
}
