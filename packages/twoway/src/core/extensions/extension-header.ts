import { splitList, tokenCharacter, trimSpace } from '../http/field-syntax.js'

/** One extension in a client's offer or a server's answer. */
export interface ExtensionOffer {
  readonly name: string
  /** In order. A repeated name is kept: each extension decides what it means. */
  readonly parameters: readonly ExtensionParameter[]
}

export type ExtensionParameter = readonly [name: string, value: string | undefined]

// §9.1: a quoted value must be a token once it is unescaped. RFC 2616 allows white space around "=".
const parameter = new RegExp(
  `^(${tokenCharacter}+)(?:[ \\t]*=[ \\t]*(?:(${tokenCharacter}+)|"((?:\\\\?${tokenCharacter})+)"))?$`,
)

/**
 * Parsed values: most clients send one of a few, and parsing creates garbage. Holds less than 128 KiB, whatever clients
 * send.
 */
const known = new Map<string, readonly ExtensionOffer[]>()
const maxCachedValues = 16
const maxCachedLength = 128

/**
 * Parses a Sec-WebSocket-Extensions, §9.1; undefined if it is malformed or empty. Returns the same objects for a recent
 * value.
 */
export function parseExtensions(value: string): readonly ExtensionOffer[] | undefined {
  const read = known.get(value) ?? readExtensions(value)
  if (read === undefined || value.length > maxCachedLength) return read
  if (known.size === maxCachedValues && !known.has(value)) known.clear()
  known.set(value, read)
  return read
}

function readExtensions(value: string): readonly ExtensionOffer[] | undefined {
  // A valid quoted value contains no comma and no semicolon, so splitting needs no regard for quotes.
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

/** Formats a Sec-WebSocket-Extensions, §9.1. */
export function formatExtensions(offers: readonly ExtensionOffer[]): string {
  return offers.map(({ name, parameters }) => [name].concat(parameters.map(formatParameter)).join('; ')).join(', ')
}

function formatParameter({ 0: name, 1: value }: ExtensionParameter): string {
  return value === undefined ? name : `${name}=${value}`
}
