import { splitList, tokenCharacter, trimSpace } from '../http/field-syntax.js'

/** One extension as a client offers it or a server answers it. */
export interface ExtensionOffer {
  readonly name: string
  /** In their order. One that is given twice is there twice: what that means is the extension's to say. */
  readonly parameters: readonly ExtensionParameter[]
}

export type ExtensionParameter = readonly [name: string, value: string | undefined]

// §9.1: a quoted value must be a token once it is unescaped. RFC 2616's implied white space stands around the "=".
const parameter = new RegExp(
  `^(${tokenCharacter}+)(?:[ \\t]*=[ \\t]*(?:(${tokenCharacter}+)|"((?:\\\\?${tokenCharacter})+)"))?$`,
)

/**
 * Values read before, and what they list: most clients send one of a few, and to read one leaves 3 KiB to be collected.
 * What is kept stays below 128 KiB, whatever clients send.
 */
const known = new Map<string, readonly ExtensionOffer[]>()
const mostKnown = 16
const longestKnown = 128

/**
 * The extensions that a Sec-WebSocket-Extensions lists, §9.1, or undefined where it is malformed or lists none. Of a
 * value that came lately they are the same objects.
 */
export function parseExtensions(value: string): readonly ExtensionOffer[] | undefined {
  const read = known.get(value) ?? readExtensions(value)
  if (read === undefined || value.length > longestKnown) return read
  if (known.size === mostKnown && !known.has(value)) known.clear()
  known.set(value, read)
  return read
}

function readExtensions(value: string): readonly ExtensionOffer[] | undefined {
  // A well-formed quoted value has no comma and no semicolon, so the value can be cut at them unseen.
  const offers = splitList(value).map(parseExtension)
  return offers.length > 0 && offers.every((offer) => offer !== undefined) ? offers : undefined
}

function parseExtension(text: string): ExtensionOffer | undefined {
  const all = text.split(';').map(parseParameter)
  const name = all[0]
  const parameters = all.slice(1)
  if (name === undefined || name[1] !== undefined) return undefined
  return parameters.every((found) => found !== undefined) ? { name: name[0], parameters } : undefined
}

function parseParameter(text: string): ExtensionParameter | undefined {
  const { 1: name, 2: token, 3: quoted } = parameter.exec(trimSpace(text)) ?? []
  return name === undefined ? undefined : [name, token ?? quoted?.replaceAll('\\', '')]
}

/** The value of a Sec-WebSocket-Extensions, §9.1. */
export function formatExtensions(offers: readonly ExtensionOffer[]): string {
  return offers.map(({ name, parameters }) => [name].concat(parameters.map(formatParameter)).join('; ')).join(', ')
}

function formatParameter({ 0: name, 1: value }: ExtensionParameter): string {
  return value === undefined ? name : `${name}=${value}`
}
