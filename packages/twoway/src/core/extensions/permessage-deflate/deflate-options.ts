import { UsageError } from '../../errors.js'
import { quoted } from '../../printable.js'
import { mostWindowBits } from './deflate-parameters.js'

/** How messages are compressed, RFC 7692. */
export interface PerMessageDeflateOptions {
  /**
   * Whether the server compresses each message by itself. With false it may refer to earlier ones: shorter messages,
   * for memory on both sides as long as the connection is in use. On a server true by default; on a client false, true
   * demands it of the server.
   */
  readonly serverNoContextTakeover?: boolean | undefined
  /** The same for what the client sends. On a client true keeps it from referring to earlier messages. */
  readonly clientNoContextTakeover?: boolean | undefined
  /** Window of the server's compressor, at most 2^bits octets: 9 to 15. A client that sets it demands it. */
  readonly serverMaxWindowBits?: number | undefined
  /** Window of the client's compressor, at most 2^bits octets: 9 to 15. A server that sets it demands it. */
  readonly clientMaxWindowBits?: number | undefined
  /** From 0, no compression, to 9, the shortest and slowest: 6 by default. */
  readonly level?: number | undefined
  /**
   * Memory of the compressor, from 1 to 9: 8 by default. Each step halves or doubles it. On Node it has no effect on
   * short messages without context takeover at levels 1 to 6, which have a compressor of their own: those of up to 4 KiB,
   * and no longer than the window.
   */
  readonly memLevel?: number | undefined
  /** Shorter messages are sent as they are: 1024 octets by default. A message's own `compress` goes before it. */
  readonly thresholdBytes?: number | undefined
}

/** What the option `perMessageDeflate` may be; a list is what a client offers, the preferred first. */
export type PerMessageDeflateOption = boolean | PerMessageDeflateOptions | readonly PerMessageDeflateOptions[]

/** Options, checked and complete. */
export interface DeflateSettings {
  readonly serverNoContextTakeover: boolean
  readonly clientNoContextTakeover: boolean
  readonly serverMaxWindowBits: number | undefined
  readonly clientMaxWindowBits: number | undefined
  readonly level: number
  readonly memLevel: number
  readonly thresholdBytes: number
}

type Rule = readonly [wanted: string, isRight: (value: unknown) => boolean]

function integer(least: number, most: number): Rule {
  return [
    most === Number.MAX_SAFE_INTEGER ? `an integer from ${least} on` : `an integer from ${least} to ${most}`,
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  ]
}

const aFlag: Rule = ['true or false', (value) => typeof value === 'boolean']

/** zlib, with which most peers compress, knows no window of 8 bits (256 octets) for raw DEFLATE. */
const someWindowBits = integer(9, mostWindowBits)

const rules: { readonly [name in keyof Required<PerMessageDeflateOptions>]: Rule } = {
  serverNoContextTakeover: aFlag,
  clientNoContextTakeover: aFlag,
  serverMaxWindowBits: someWindowBits,
  clientMaxWindowBits: someWindowBits,
  level: integer(0, 9),
  memLevel: integer(1, 9),
  thresholdBytes: integer(0, Number.MAX_SAFE_INTEGER),
}

/**
 * Checks the option `perMessageDeflate` and adds the defaults; an empty list where it is false. A UsageError
 * 'optionInvalid' names what is wrong.
 */
export function settleDeflate(option: PerMessageDeflateOption, role: 'client' | 'server'): readonly DeflateSettings[] {
  if (typeof option === 'boolean') return option ? [settle({}, role)] : []
  const isList = Array.isArray(option)
  const list: readonly unknown[] = isList ? option : [option]
  if ((isList && role === 'server') || list.length === 0 || !list.every(isOptions)) {
    const wanted = role === 'server' ? '' : ', or a list of objects of which none is missing'
    throw new UsageError('optionInvalid', `the option perMessageDeflate must be true, false or an object${wanted}`)
  }
  return list.map((options) => settle(options as PerMessageDeflateOptions, role))
}

function isOptions(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function settle(options: PerMessageDeflateOptions, role: 'client' | 'server'): DeflateSettings {
  Object.entries(options).forEach(({ 0: name, 1: value }) => {
    const rule = Object.hasOwn(rules, name) ? rules[name as keyof typeof rules] : undefined
    if (rule === undefined) {
      const known = Object.keys(rules).join(', ')
      throw new UsageError('optionInvalid', `perMessageDeflate has no option "${quoted(name)}"; it has: ${known}`)
    }
    const [wanted, isRight] = rule
    if (value !== undefined && !isRight(value)) {
      throw new UsageError('optionInvalid', `perMessageDeflate.${name} must be ${wanted}, not ${quoted(String(value))}`)
    }
  })
  return {
    serverNoContextTakeover: options.serverNoContextTakeover ?? role === 'server',
    clientNoContextTakeover: options.clientNoContextTakeover ?? role === 'server',
    serverMaxWindowBits: options.serverMaxWindowBits,
    clientMaxWindowBits: options.clientMaxWindowBits,
    level: options.level ?? 6,
    memLevel: options.memLevel ?? 8,
    thresholdBytes: options.thresholdBytes ?? 1024,
  }
}
