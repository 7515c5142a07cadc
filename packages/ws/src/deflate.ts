import {
  type DeflateNegotiation,
  type NegotiatedDeflate,
  negotiateDeflate,
  type PerMessageDeflateOptions,
} from 'twoway/streams'
import { extension, type Parameters } from './header-values.js'

/** The option `perMessageDeflate` of ws. */
export interface DeflateOptions {
  readonly serverNoContextTakeover?: boolean
  readonly clientNoContextTakeover?: boolean
  readonly serverMaxWindowBits?: number | boolean
  readonly clientMaxWindowBits?: number | boolean
  readonly threshold?: number
  readonly zlibDeflateOptions?: { readonly level?: number; readonly memLevel?: number }
}

export const deflateName = 'permessage-deflate'

/** The extensions of one connection, by name, as ws keeps them. */
export interface Extensions {
  readonly [deflateName]?: NegotiatedDeflate
}

/** The extensions of connections that have none. They share it. */
export const noExtensions: Extensions = Object.freeze({})

/** Shares compressors among the connections of equal options. */
const known = new Map<string, DeflateNegotiation>()
const maxKnown = 64

export function negotiationOf(role: 'client' | 'server', option: DeflateOptions | true): DeflateNegotiation {
  const given = option === true ? {} : option
  const settings = settingsOf(given)
  const key = `${role} ${JSON.stringify(settings)}`
  const negotiation = known.get(key) ?? negotiateDeflate(role, settings)
  if (known.size < maxKnown) known.set(key, negotiation)
  return role === 'server' ? serverWithin(given, negotiation) : clientWithin(given, negotiation)
}

/** Refuses what an option of ws excludes by `false`, and demands for shorter windows than an option has. */
function serverWithin(option: DeflateOptions, negotiation: DeflateNegotiation): DeflateNegotiation {
  const { serverNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } = option
  const excludes = (parameters: Parameters): boolean => {
    const serverBits = Number(parameters.server_max_window_bits?.[0])
    const clientBits = Number(parameters.client_max_window_bits?.[0])
    return (
      (serverNoContextTakeover === false && parameters.server_no_context_takeover !== undefined) ||
      (serverMaxWindowBits === false && parameters.server_max_window_bits !== undefined) ||
      (typeof serverMaxWindowBits === 'number' && serverMaxWindowBits > serverBits) ||
      (typeof clientMaxWindowBits === 'number' && clientBits > 1 && clientMaxWindowBits > clientBits)
    )
  }
  const accept = (header: string): NegotiatedDeflate | undefined => {
    const offers = (extension.parse(header)[deflateName] ?? []).filter((parameters) => !excludes(parameters))
    if (clientMaxWindowBits === false) for (const parameters of offers) delete parameters.client_max_window_bits
    return negotiation.accept(extension.format({ [deflateName]: offers }))
  }
  return { ...negotiation, accept }
}

function clientWithin(option: DeflateOptions, negotiation: DeflateNegotiation): DeflateNegotiation {
  const excluded = [
    ...(option.clientMaxWindowBits === false ? ['client_max_window_bits'] : []),
    ...(option.clientNoContextTakeover === false ? ['client_no_context_takeover'] : []),
  ]
  if (excluded.length === 0) return negotiation
  const offer = negotiation.offer
    .split('; ')
    .filter((parameter) => !excluded.includes(parameter))
    .join('; ')
  const confirm = (answer: string): NegotiatedDeflate | undefined =>
    excluded.some((parameter) => answer.includes(parameter)) ? undefined : negotiation.confirm(answer)
  return { ...negotiation, offer, confirm }
}

function settingsOf(option: DeflateOptions): PerMessageDeflateOptions {
  const { level, memLevel } = option.zlibDeflateOptions ?? {}
  const serverMaxWindowBits = bits(option.serverMaxWindowBits)
  const clientMaxWindowBits = bits(option.clientMaxWindowBits)
  return {
    serverNoContextTakeover: option.serverNoContextTakeover === true,
    clientNoContextTakeover: option.clientNoContextTakeover === true,
    ...(serverMaxWindowBits !== undefined && { serverMaxWindowBits }),
    ...(clientMaxWindowBits !== undefined && { clientMaxWindowBits }),
    ...(level !== undefined && level >= 0 && { level }),
    ...(memLevel !== undefined && { memLevel }),
    thresholdBytes: option.threshold ?? 1024,
  }
}

/** zlib knows no window of 8 bits for raw DEFLATE and takes 9 instead; so do we. */
function bits(value: number | boolean | undefined): number | undefined {
  return typeof value === 'number' ? Math.max(9, value) : undefined
}
