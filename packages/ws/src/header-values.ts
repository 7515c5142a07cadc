const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** The values of each parameter of an offer; true is a parameter without a value. */
export type Parameters = Record<string, (string | true)[]>

/** Sec-WebSocket-Protocol, RFC 6455 §4.1. */
export const subprotocol = {
  /** Throws a SyntaxError for a value that is malformed or names one twice. */
  parse(header: string): Set<string> {
    const names = new Set<string>()
    for (const part of header.split(',')) {
      const name = part.replace(/^[ \t]+|[ \t]+$/g, '')
      if (!token.test(name)) throw new SyntaxError(`Unexpected character in ${JSON.stringify(header)}`)
      if (names.has(name)) throw new SyntaxError(`The "${name}" subprotocol is duplicated`)
      names.add(name)
    }
    return names
  },
}

/** Sec-WebSocket-Extensions, RFC 6455 §9.1. */
export const extension = {
  /** For each name the parameters of each of its offers. Throws a SyntaxError for a malformed value. */
  parse(header: string): Record<string, Parameters[]> {
    const offers: Record<string, Parameters[]> = Object.create(null)
    for (const part of header.split(',')) {
      const texts = part.split(';').map((text) => text.trim())
      const name = texts[0]!
      if (!token.test(name)) throw new SyntaxError(`Unexpected character in ${JSON.stringify(header)}`)
      const parameters: Parameters = Object.create(null)
      for (const text of texts.slice(1)) {
        const { 0: key, 1: value } = readParameter(text, header)
        parameters[key] ??= []
        parameters[key].push(value)
      }
      offers[name] ??= []
      offers[name].push(parameters)
    }
    return offers
  },
  format(offers: Record<string, Parameters | Parameters[]>): string {
    return Object.entries(offers)
      .flatMap(({ 0: name, 1: all }) => [all].flat().map((parameters) => [name, ...formatted(parameters)].join('; ')))
      .join(', ')
  },
}

function readParameter(text: string, header: string): [string, string | true] {
  const at = text.indexOf('=')
  const key = at < 0 ? text : text.slice(0, at)
  const value =
    at < 0 ? true : text.slice(at + 1).replace(/^"(.*)"$/, (_, quoted: string) => quoted.replace(/\\(.)/g, '$1'))
  if (!token.test(key) || (value !== true && !token.test(value))) {
    throw new SyntaxError(`Unexpected character in ${JSON.stringify(header)}`)
  }
  return [key, value]
}

function formatted(parameters: Parameters): string[] {
  return Object.entries(parameters).flatMap(({ 0: key, 1: values }) =>
    [values].flat().map((value) => (value === true ? key : `${key}=${value}`)),
  )
}
