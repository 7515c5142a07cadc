import type { RequestHead } from '../../ports/http-host.js'
import { isSameText } from '../http/field-syntax.js'

/** Whether a request is meant as a handshake, if perhaps a broken one: then it is told what it lacks. */
export function meansToUpgrade({ fields }: RequestHead): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!
    if (isSameText(name, 'sec-websocket-key')) return true
    if (isSameText(name, 'upgrade') && namesWebSocket(fields[at + 1]!)) return true
  }
  return false
}

function namesWebSocket(protocols: string): boolean {
  return isSameText(protocols, 'websocket') || /\bwebsocket\b/i.test(protocols)
}
