import { UsageError } from '../../errors.js'
import { flag, integer } from '../../options/check.js'
import { type OptionsOf, option } from '../../options/option.js'
import { type OptionsOwner, settleOptions } from '../../options/settle-options.js'
import { maxWindowBits } from './deflate-parameters.js'

/** zlib, with which most peers compress, knows no window of 8 bits (256 bytes) for raw DEFLATE. */
const leastWindowBits = 9

/** The parameters of the compression of messages, RFC 7692. */
export const deflateOptions = {
  /**
   * Whether the server compresses each message independently. With false, a message may refer to earlier ones: messages get
   * shorter, and both sides hold memory as long as the connection is in use. On a client, true demands it of the server.
   * @default true on a server, false on a client
   */
  serverNoContextTakeover: option(flag()),
  /**
   * Whether the client compresses each message independently. On a client, true keeps it from referring to earlier messages.
   * @default true on a server, false on a client
   */
  clientNoContextTakeover: option(flag()),
  /**
   * Window of the server's compressor, in bits: at most 2^bits bytes, 9 to 15. A client that sets it demands it.
   * @default 15, or less where the client demands it
   */
  serverMaxWindowBits: option(integer(leastWindowBits, maxWindowBits, 'bits')),
  /**
   * Window of the client's compressor, in bits: at most 2^bits bytes, 9 to 15. A server that sets it demands it.
   * @default 15, or less where the server demands it
   */
  clientMaxWindowBits: option(integer(leastWindowBits, maxWindowBits, 'bits')),
  /**
   * Level of the compression, from 0 (none) to 9 (the shortest and slowest).
   * @default 6
   */
  level: option(integer(0, 9), 6),
  /**
   * Memory of the compressor, from 1 to 9. Each step doubles it.
   * @default 8
   * @remarks On Node it has no effect on short messages without context takeover at levels 1 to 6, which have a compressor
   * of their own: those of up to 4 KiB that fit into the window.
   */
  memLevel: option(integer(1, 9), 8),
  /**
   * Bytes from which on a message is compressed. The option `compress` of a message comes before it.
   * @default 1_024 (1 KiB)
   * @limit Shorter messages are sent as they are.
   */
  thresholdBytes: option(integer(0, Number.MAX_SAFE_INTEGER, 'bytes'), 1024),
}

const owner: OptionsOwner = {
  name: 'perMessageDeflate',
  prefix: 'perMessageDeflate.',
  foreignOptions: {
    zlibDeflateOptions: 'give level and memLevel themselves',
    zlibInflateOptions: 'leave it out: maxMessageBytes limits what a message may become',
    concurrencyLimit: 'leave it out: long messages share the thread pool',
    compress: 'give level, or leave perMessageDeflate out',
    decompress: 'leave it out: what was compressed is always decompressed',
  },
}

/** The parameters of the compression of messages, RFC 7692. */
export interface PerMessageDeflateOptions extends OptionsOf<typeof deflateOptions> {}

/** The option `perMessageDeflate`; a list is what a client offers, the preferred first. */
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

/**
 * Checks the option `perMessageDeflate` and adds the defaults; an empty list for false. A UsageError 'optionInvalid'
 * names the first value that is wrong.
 */
export function settleDeflate(option: PerMessageDeflateOption, role: 'client' | 'server'): readonly DeflateSettings[] {
  if (typeof option === 'boolean') return option ? [settle({}, role)] : []
  const isList = Array.isArray(option)
  const list: readonly unknown[] = isList ? option : [option]
  if ((isList && role === 'server') || list.length === 0 || !list.every(isOptions)) {
    const expected =
      role === 'server' ? 'true, false or an object' : 'true, false, an object or a non-empty list of objects'
    throw new UsageError('optionInvalid', `the option perMessageDeflate must be ${expected}`)
  }
  return list.map((options) => settle(options as PerMessageDeflateOptions, role))
}

function isOptions(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function settle(options: PerMessageDeflateOptions, role: 'client' | 'server'): DeflateSettings {
  const settled = settleOptions(options, deflateOptions, owner)
  return {
    ...settled,
    serverNoContextTakeover: settled.serverNoContextTakeover ?? role === 'server',
    clientNoContextTakeover: settled.clientNoContextTakeover ?? role === 'server',
  }
}
