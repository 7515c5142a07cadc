import { UsageError } from '../../errors.js'
import { quoted } from '../../printable.js'
import { maxWindowBits } from './deflate-parameters.js'

/** Options of message compression, RFC 7692. */
export interface PerMessageDeflateOptions {
  /**
   * Whether the server compresses each message independently. If false, it may refer to earlier messages, which makes
   * messages shorter and takes memory on both sides while the connection is in use. On a client, true demands it of the
   * server. Default: true on a server, false on a client.
   */
  readonly serverNoContextTakeover?: boolean | undefined
  /** The same for the client's messages. On a client, true keeps it from referring to earlier messages. */
  readonly clientNoContextTakeover?: boolean | undefined
  /** The window of the server's compressor, at most 2^bits bytes: 9 to 15. A client that sets it demands it. */
  readonly serverMaxWindowBits?: number | undefined
  /** The window of the client's compressor, at most 2^bits bytes: 9 to 15. A server that sets it demands it. */
  readonly clientMaxWindowBits?: number | undefined
  /** From 0, no compression, to 9, the best and slowest. @default 6 */
  readonly level?: number | undefined
  /**
   * Memory of the compressor, from 1 to 9; each step doubles it. On Node it has no effect on messages of up to 4 KiB
   * without context takeover at levels 1 to 6, provided that they fit the window: those have a compressor of their own.
   * @default 8
   */
  readonly memLevel?: number | undefined
  /** Shorter messages are not compressed, unless `compress` of the message says so. In bytes. @default 1024 */
  readonly thresholdBytes?: number | undefined
}

/** The option `perMessageDeflate`. A list is a client's offers in order of preference. */
export type PerMessageDeflateOption = boolean | PerMessageDeflateOptions | readonly PerMessageDeflateOptions[]

/** Validated options with defaults. */
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
    most === Number.MAX_SAFE_INTEGER ? `an integer of at least ${least}` : `an integer from ${least} to ${most}`,
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  ]
}

const aFlag: Rule = ['true or false', (value) => typeof value === 'boolean']

/** zlib, which most peers use, does not support raw DEFLATE with a window of 8 bits (256 bytes). */
const someWindowBits = integer(9, maxWindowBits)

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
 * Validates the option `perMessageDeflate` and adds the defaults; returns an empty list for false. Throws a UsageError
 * 'optionInvalid' that names the invalid part.
 */
export function settleDeflate(option: PerMessageDeflateOption, role: 'client' | 'server'): readonly DeflateSettings[] {
  if (typeof option === 'boolean') return option ? [settle({}, role)] : []
  const isList = Array.isArray(option)
  const list: readonly unknown[] = isList ? option : [option]
  if ((isList && role === 'server') || list.length === 0 || !list.every(isOptions)) {
    const wanted =
      role === 'server' ? 'true, false or an object' : 'true, false, an object or a non-empty list of objects'
    throw new UsageError('optionInvalid', `the option perMessageDeflate must be ${wanted}`)
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
