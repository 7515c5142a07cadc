import { areDistinctTokens, isToken } from '../../core/http/field-syntax.js'

/** Subprotocols as a list. Throws the standard's SyntaxError DOMException where one is no token or is listed twice. */
export function checkProtocols(protocols: string | readonly string[] = []): readonly string[] {
  const list = typeof protocols === 'string' ? [protocols] : Array.from(protocols, String)
  if (areDistinctTokens(list)) return list
  const wrong = list.find((protocol) => !isToken(protocol))
  throw new DOMException(
    wrong === undefined
      ? 'a subprotocol is listed twice'
      : `"${wrong}" is not a subprotocol's name: it must be a token`,
    'SyntaxError',
  )
}
