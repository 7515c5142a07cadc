import type { RequestHead } from '../../ports/http-host.js'
import { isSameText } from '../http/field-syntax.js'

/** `websocket` as a member of an Upgrade field, with a version or without, RFC 9110 §7.8. */
const webSocket = /(?:^|,)[ \t]*websocket[ \t]*(?:\/[^,]*)?(?:,|$)/i

/** Whether a request is meant as a handshake, if perhaps a broken one: then it is told what it lacks. */
export function isHandshakeAttempt(head: RequestHead): boolean {
  return offersWebSocket(head) || head.fields.some((name, at) => at % 2 === 0 && isSameText(name, 'sec-websocket-key'))
}

/** Whether a request's Upgrade field names WebSocket. One that names only other protocols is no handshake. */
export function offersWebSocket({ fields }: RequestHead): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    if (isSameText(fields[at]!, 'upgrade') && namesWebSocket(fields[at + 1]!)) return true
  }
  return false
}

function namesWebSocket(protocols: string): boolean {
  return isSameText(protocols, 'websocket') || webSocket.test(protocols)
}
