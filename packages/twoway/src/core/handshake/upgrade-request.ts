import type { RequestHead } from '../../ports/http-host.js'
import { isSameText } from '../http/field-syntax.js'

/** `websocket` as an element of an Upgrade field, with or without a version, RFC 9110 §7.8. */
const webSocket = /(?:^|,)[ \t]*websocket[ \t]*(?:\/[^,]*)?(?:,|$)/i

/**
 * Whether a request tries to be a handshake, even if it is invalid. The answer to such a request names the broken rule.
 */
export function isHandshakeAttempt(head: RequestHead): boolean {
  return offersWebSocket(head) || head.fields.some((name, at) => at % 2 === 0 && isSameText(name, 'sec-websocket-key'))
}

/** Whether a request's Upgrade field names WebSocket. A request that names only other protocols is not a handshake. */
export function offersWebSocket({ fields }: RequestHead): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    if (isSameText(fields[at]!, 'upgrade') && namesWebSocket(fields[at + 1]!)) return true
  }
  return false
}

function namesWebSocket(protocols: string): boolean {
  return isSameText(protocols, 'websocket') || webSocket.test(protocols)
}
