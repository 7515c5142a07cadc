import { areDistinctTokens, isToken } from '../../core/http/field-syntax.js'
import * as platform from '../platform.js'

/** Subprotocols as a list. Throws the standard's SyntaxError DOMException if one is no token or is listed twice. */
export function checkProtocols(protocols: string | readonly string[] = []): readonly string[] {
  const list = typeof protocols === 'string' ? [protocols] : protocols.map(String)
  if (areDistinctTokens(list)) return list
  const wrong = list.findIndex((protocol) => !isToken(protocol))
  throw new platform.DOMException(
    wrong < 0 ? 'a subprotocol is listed twice' : `subprotocol ${wrong + 1} is not a token: ${faultOf(list[wrong]!)}`,
    'SyntaxError',
  )
}

/** Describes the fault without the name, because programs put login tokens there. */
function faultOf(name: string): string {
  if (name === '') return 'it is empty'
  const at = [...name].findIndex((character) => !isToken(character))
  const code = [...name][at]!.codePointAt(0)!
  return `its character ${at + 1} is U+${code.toString(16).toUpperCase().padStart(4, '0')}`
}
