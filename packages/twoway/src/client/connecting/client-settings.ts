import { UsageError } from '../../core/errors.js'
import type { ExtensionNegotiator } from '../../core/extensions/extension.js'
import { type DeflateSettings, settleDeflate } from '../../core/extensions/permessage-deflate/deflate-options.js'
import { type ClientLimits, clientLimitOptions, fixedClientLimits } from '../../core/limits.js'
import type { SettingsOf } from '../../core/options/option.js'
import { type OptionsOwner, settleOptions, wrongOption } from '../../core/options/settle-options.js'
import type { CreateConnection, LocalOptions, ProxyOptions, TlsClientOptions } from '../../ports/connector.js'
import { clientTable, localOptions, tlsOptions } from '../client-options.js'
import { elementsOf } from '../elements-of.js'
import type { WebSocketOptions } from '../websocket/websocket-types.js'
import { foreignClientOptions } from './foreign-options.js'

/** A client's options, checked and complete; all but `protocols`, which the standard has rules for. */
export interface ClientSettings {
  readonly limits: ClientLimits
  /** The caller's header fields, names and values in turn. */
  readonly fields: readonly string[]
  readonly origin: string | undefined
  /** '' for none. */
  readonly userAgent: string
  readonly tls: TlsClientOptions
  readonly local: LocalOptions
  readonly createConnection: CreateConnection | undefined
  readonly proxy: ProxyOptions | undefined
  readonly maxRedirects: number
  readonly signal: WebSocketOptions['signal']
  /** The offers, the preferred first; none where the list is empty. */
  readonly perMessageDeflate: readonly DeflateSettings[]
  /** The negotiators of these offers, if connections share them. */
  readonly negotiators?: readonly ExtensionNegotiator[]
}

const owner: OptionsOwner = { name: 'a WebSocket', foreignOptions: foreignClientOptions }

/** Checks a client's options and adds the defaults. A UsageError 'optionInvalid' names the first that is wrong. */
export function settleClient(options: WebSocketOptions): ClientSettings {
  const settled = settleOptions(options, clientTable, owner)
  const { ca, cert, key, proxy, createConnection, headers = {} } = settled
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('optionInvalid', 'the options cert and key belong together: give both or none')
  }
  if (createConnection !== undefined && proxy !== undefined) {
    throw new UsageError('optionInvalid', 'the options createConnection and proxy exclude each other: give one of them')
  }
  const limits: ClientLimits = { ...fixedClientLimits, ...limitsOf(settled) }
  return {
    limits,
    fields: fieldsOf(headers),
    origin: settled.origin,
    userAgent: settled.userAgent,
    tls: pick(settled, tlsOptions),
    local: pick(settled, localOptions),
    createConnection,
    proxy: proxy === undefined ? undefined : { url: proxy, ca, limits },
    maxRedirects: settled.maxRedirects,
    signal: settled.signal,
    perMessageDeflate: settleDeflate(settled.perMessageDeflate, 'client'),
  }
}

type OptionLimits = SettingsOf<typeof clientLimitOptions>

function limitsOf(settled: OptionLimits): OptionLimits {
  return pick(settled, clientLimitOptions) as OptionLimits
}

type Given<Options, Name extends keyof Options> = { [Key in Name]?: NonNullable<Options[Key]> }

/** The options of a table that are given or have a default. */
function pick<Options extends object, Name extends keyof Options>(
  options: Options,
  table: { readonly [name in Name]: unknown },
): Given<Options, Name> {
  const picked: Given<Options, Name> = {}
  const names = Object.keys(table) as Name[]
  names.forEach((name) => {
    const value = options[name]
    if (value !== undefined) picked[name] = value as NonNullable<Options[Name]>
  })
  return picked
}

function fieldsOf(headers: NonNullable<WebSocketOptions['headers']>): string[] {
  if (!(Symbol.iterator in headers)) {
    return Object.entries(headers).flatMap(({ 0: name, 1: value }) => {
      return Array.isArray(value) ? value.flatMap((each) => [name, each]) : [name, value]
    })
  }
  return elementsOf(headers as Iterable<unknown>).flatMap((pair) => {
    if (Array.isArray(pair) && pair.length === 2) return pair
    throw wrongOption('headers', headers, clientTable, owner)
  })
}
