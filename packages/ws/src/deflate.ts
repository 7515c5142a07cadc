import { type DeflateNegotiation, type NegotiatedDeflate, negotiateDeflate } from 'twoway/streams'

/** The option `perMessageDeflate` of ws. */
export interface DeflateOptions {
  readonly serverNoContextTakeover?: boolean
  readonly clientNoContextTakeover?: boolean
  readonly serverMaxWindowBits?: number
  readonly clientMaxWindowBits?: number | boolean
  readonly threshold?: number
  readonly zlibDeflateOptions?: { readonly level?: number; readonly memLevel?: number }
}

export const deflateName = 'permessage-deflate'

/** The extensions of one connection, by name, as ws keeps them. */
export interface Extensions {
  [deflateName]?: NegotiatedDeflate
}

/** Shares compressors among the connections of equal options. */
const known = new Map<string, DeflateNegotiation>()
const maxKnown = 64

export function negotiationOf(role: 'client' | 'server', option: DeflateOptions | true): DeflateNegotiation {
  const settings = settingsOf(option === true ? {} : option)
  const key = `${role} ${JSON.stringify(settings)}`
  const negotiation = known.get(key) ?? negotiateDeflate(role, settings)
  if (known.size < maxKnown) known.set(key, negotiation)
  return negotiation
}

function settingsOf(option: DeflateOptions): NonNullable<Parameters<typeof negotiateDeflate>[1]> {
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
