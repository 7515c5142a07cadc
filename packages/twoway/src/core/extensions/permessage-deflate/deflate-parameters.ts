import type { ExtensionOffer, ExtensionParameter } from '../extension-header.js'

/** What an offer asks for, or an answer says, RFC 7692 §7.1. */
export interface DeflateParameters {
  readonly serverNoContextTakeover: boolean
  readonly clientNoContextTakeover: boolean
  readonly serverMaxWindowBits: number | undefined
  /** True in an offer that leaves the number to the server. */
  readonly clientMaxWindowBits: number | true | undefined
}

export const deflateName = 'permessage-deflate'

/** Window bits where nothing is said, and at most. */
export const mostWindowBits = 15

/** §7.1.2.1: a decimal number from 8 to 15, without leading zeros. */
const windowBits = /^(?:[89]|1[0-5])$/

const readFlag = (value: string | undefined): true | undefined => (value === undefined ? true : undefined)
const readBits = (value: string | undefined): number | undefined =>
  value !== undefined && windowBits.test(value) ? Number(value) : undefined
const readOptionalBits = (value: string | undefined): number | true | undefined =>
  value === undefined ? true : readBits(value)

/** How each parameter's value is read; undefined where it is invalid. */
const readers = {
  offer: {
    server_no_context_takeover: readFlag,
    client_no_context_takeover: readFlag,
    server_max_window_bits: readBits,
    client_max_window_bits: readOptionalBits,
  },
  answer: {
    server_no_context_takeover: readFlag,
    client_no_context_takeover: readFlag,
    server_max_window_bits: readBits,
    client_max_window_bits: readBits,
  },
} as const

type ParameterName = keyof (typeof readers)['offer']

/** The parameters of an offer or an answer; undefined where one is unknown, given twice, or has an invalid value, §7.1. */
export function readDeflateParameters(
  { parameters }: ExtensionOffer,
  kind: keyof typeof readers,
): DeflateParameters | undefined {
  const found: { [name in ParameterName]?: number | true } = {}
  for (let at = 0; at < parameters.length; at++) {
    const { 0: name, 1: value } = parameters[at]!
    if (!isParameterName(name) || found[name] !== undefined) return undefined
    const read = readers[kind][name](value)
    if (read === undefined) return undefined
    found[name] = read
  }
  return {
    serverNoContextTakeover: found.server_no_context_takeover === true,
    clientNoContextTakeover: found.client_no_context_takeover === true,
    serverMaxWindowBits: found.server_max_window_bits as number | undefined,
    clientMaxWindowBits: found.client_max_window_bits,
  }
}

/** Parameters as an offer or answer of the extension carries them. */
export function writeDeflateParameters(parameters: DeflateParameters): ExtensionOffer {
  const { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } = parameters
  const written: ExtensionParameter[] = []
  if (serverNoContextTakeover) written.push(['server_no_context_takeover', undefined])
  if (clientNoContextTakeover) written.push(['client_no_context_takeover', undefined])
  if (serverMaxWindowBits !== undefined) written.push(['server_max_window_bits', String(serverMaxWindowBits)])
  if (clientMaxWindowBits !== undefined) {
    written.push(['client_max_window_bits', clientMaxWindowBits === true ? undefined : String(clientMaxWindowBits)])
  }
  return { name: deflateName, parameters: written }
}

function isParameterName(name: string): name is ParameterName {
  return Object.hasOwn(readers.offer, name)
}
