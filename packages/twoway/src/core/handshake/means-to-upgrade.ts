import type { RequestHead } from '../../ports/http-host.js'
import { isFieldName } from './header-fields.js'

/** Whether a request is meant as a handshake, if perhaps a broken one: then it is told what it lacks. */
export function meansToUpgrade({ fields }: RequestHead): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!
    if (isFieldName(name, 'sec-websocket-key')) return true
    if (isFieldName(name, 'upgrade') && /\bwebsocket\b/i.test(fields[at + 1]!)) return true
  }
  return false
}
