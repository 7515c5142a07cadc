import { usualConduct } from '../core/connection.js'
import type { Conduct, ConnectionPorts, SharedInput } from '../core/connection-types.js'
import { UsageError } from '../core/errors.js'
import type { ExtensionNegotiator } from '../core/extensions/extension.js'
import { DeflateNegotiator } from '../core/extensions/permessage-deflate/deflate-negotiator.js'
import { type PerMessageDeflateOptions, settleDeflate } from '../core/extensions/permessage-deflate/deflate-options.js'
import { plainLimitOptions, type ServerLimits, serverLimitOptions, serverLimits } from '../core/limits.js'
import { callable } from '../core/options/check.js'
import { type Option, type OptionsOf, option, type SettingsOf } from '../core/options/option.js'
import { settleOptions } from '../core/options/settle-options.js'
import { ReadTurns } from '../core/receiving/read-turns.js'
import { ReceiveBudget } from '../core/receiving/receive-budget.js'
import { BufferBudget } from '../core/sending/buffer-budget.js'
import type { SharedTopics } from '../ports/broker/shared-topics.js'
import type { DeflateCodec } from '../ports/deflate-codec.js'
import type { Diagnostics } from '../ports/diagnostics.js'
import type { HttpHost, HttpListener, ListenOptions, MiddlewareFunction } from '../ports/http-host.js'
import type { MemoryTuning } from '../ports/memory-tuning.js'
import type { TransportReport } from '../ports/transport-report.js'
import { foreignListenOptions, foreignPlainOptions, foreignServerOptions } from './foreign-options.js'
import type { AttachOptions, PlainHandlers, ServeOptions, ServerHandlers, ServerOptions } from './handler-types.js'
import { TrustedProxies } from './proxies/trusted-proxies.js'
import { type Route, routeOf } from './routing/route.js'
import { commonOptions, handedOptions, listenOptions, routeOptions } from './server-options.js'

/** The ports that a server needs. */
export interface ServerPorts extends ConnectionPorts {
  readonly httpHost: HttpHost
  readonly diagnostics: Diagnostics
  /** Bytes of memory that the process may use; undefined where the runtime does not know. */
  readonly memoryBytes?: (() => number) | undefined
  /** Undefined where the runtime has none. */
  readonly deflateCodec: () => DeflateCodec | undefined
  /** Undefined where the runtime has nothing to tune. */
  readonly memoryTuning?: MemoryTuning | undefined
  /** The path of the bytes of a listener's connections. If it is undefined, they stay within the process. */
  readonly transport?: ((listener: HttpListener) => TransportReport) | undefined
  /** The topics that this process shares with others; undefined unless it is a worker. */
  readonly sharedTopics?: (() => SharedTopics | undefined) | undefined
  /** Reports an error that no handler took to the user of the program. */
  report(error: unknown): void
}

/** A server's options, checked and complete. */
export interface ServerSettings<Data> {
  readonly ports: ServerPorts
  readonly limits: ServerLimits
  readonly budget: BufferBudget
  readonly receiveBudget: ReceiveBudget
  readonly sharedInput: SharedInput
  readonly origin: 'any' | readonly string[]
  readonly hosts: 'any' | readonly string[]
  readonly trustedProxies: TrustedProxies
  readonly conduct: Conduct
  readonly sequential: boolean
  readonly measureHandlers: boolean
  readonly tuneMemory: boolean
  /** Bytes of memory that the process may use; 0 where the runtime does not know. */
  readonly memoryBytes: number
  readonly negotiators: readonly ExtensionNegotiator[]
  readonly route: Route
  readonly use: readonly MiddlewareFunction[]
  readonly handlers: ServerHandlers<Data> & PlainHandlers
}

type HandlerTable<Handlers> = { readonly [name in keyof Required<Handlers>]: Option<Handlers[name], undefined> }

// Their types depend on the data of a connection, so ServerHandlers and PlainHandlers have them, not a table.
const handlerOptions: HandlerTable<ServerHandlers<unknown>> = {
  upgrade: option(callable()),
  open: option(callable()),
  message: option(callable()),
  messageStream: option(callable()),
  drain: option(callable()),
  close: option(callable()),
  error: option(callable()),
}

const plainHandlerOptions: HandlerTable<PlainHandlers> = { request: option(callable()) }

/** All options of `serve`. */
export const serveTable = {
  ...listenOptions,
  ...routeOptions,
  ...plainHandlerOptions,
  ...plainLimitOptions,
  ...commonOptions,
  ...serverLimitOptions,
  ...handlerOptions,
} satisfies { readonly [name in keyof Required<ServeOptions<unknown>>]: unknown }

/** All options of `attach` and of `upgrader`. */
export const attachTable = {
  ...routeOptions,
  ...handedOptions,
  ...commonOptions,
  ...serverLimitOptions,
  ...handlerOptions,
} satisfies { readonly [name in keyof Required<AttachOptions<unknown>>]: unknown }

const foreignServeOptions = {
  ...foreignServerOptions,
  ...foreignListenOptions,
  ...foreignPlainOptions,
  path: 'decide in upgrade() by request.url',
}

/** The options of `serve` that `attach` has not, and the reason. */
const notOfAttachments: Readonly<Record<string, string>> = {
  ...reasonFor(
    { ...plainHandlerOptions, ...plainLimitOptions, ...foreignPlainOptions },
    'plain requests remain with the HTTP server',
  ),
  ...reasonFor(
    { ...listenOptions, ...foreignListenOptions },
    'the HTTP server decides where it listens, and whether with TLS',
  ),
  proxyProtocol:
    'the HTTP server reads the first bytes; have the proxy speak HTTP and set X-Forwarded-For, which trustedProxies reads, or use serve() on a port of its own',
}

function reasonFor(table: object, reason: string): Record<string, string> {
  return Object.fromEntries(Object.keys(table).map((name) => [name, reason]))
}

/**
 * The bytes of the process's memory for each unit of a limit, where the limit is not given. Each connection may thus take
 * 128 KiB, which is more than an idle one takes with TLS and compression (docs/explanation/memory.md).
 */
const memoryShares = {
  maxTotalBufferedBytes: 8,
  maxTotalReceiveBytes: 8,
  maxConnections: 128 << 10,
} as const satisfies { readonly [name in keyof ServerLimits]?: number }

/** The options that say where to listen, in groups that exclude each other. */
const exclusiveGroups = [['port', 'host', 'reusePort'], ['socketPath'], ['handle']] as const

/** Checks the options of `serve` and adds the defaults. A UsageError names the first that is wrong. */
export function settleServe<Data>(
  options: ServeOptions<Data>,
  ports: ServerPorts,
): { readonly settings: ServerSettings<Data>; readonly listen: ListenOptions } {
  const settled = settleOptions(options, serveTable, { name: 'serve()', foreignOptions: foreignServeOptions })
  const given = exclusiveGroups.flatMap((names) => names.find((name) => options[name] !== undefined) ?? [])
  if (given.length > 1) {
    throw new UsageError('optionInvalid', `the options ${given.join(' and ')} exclude each other: give one of them`)
  }
  const settings = settingsOf(options, settled, ports)
  const { limits, receiveBudget, trustedProxies } = settings
  if (settled.proxyProtocol && trustedProxies.isEmpty) {
    throw new UsageError(
      'optionInvalid',
      "the option proxyProtocol needs trustedProxies: give the addresses of the proxies, such as 'loopback' or '10.1.0.0/16'",
    )
  }
  const proxyProtocol = settled.proxyProtocol
    ? (address: string | undefined) => trustedProxies.trusts(address, 0)
    : undefined
  const { port, host, socketPath, handle, backlog, reusePort, tls, maxRequests, requestTimeoutMs } = settled
  return {
    settings,
    listen: {
      ...{ port, host, socketPath, handle, backlog, reusePort, tls, proxyProtocol },
      ...{ ...limits, maxRequests, requestTimeoutMs, receiveBudget },
    },
  }
}

/** Checks the options of `attach` or `upgrader` and adds the defaults. A UsageError names the first that is wrong. */
export function settleAttach<Data>(
  options: AttachOptions<Data>,
  ports: ServerPorts,
  owner = 'attach()',
): ServerSettings<Data> {
  const name = Object.keys(options ?? {}).find((each) => Object.hasOwn(notOfAttachments, each))
  if (name !== undefined) {
    throw new UsageError('optionInvalid', `${owner} takes no option ${name}: ${notOfAttachments[name]}`)
  }
  return settingsOf(
    options,
    settleOptions(options, attachTable, { name: owner, foreignOptions: foreignServerOptions }),
    ports,
  )
}

interface MiddlewareSetting {
  readonly use?: readonly MiddlewareFunction[]
}

function settingsOf<Data>(
  options: ServerOptions<Data> & PlainHandlers,
  settled: SettingsOf<typeof commonOptions> & SettingsOf<typeof routeOptions> & ServerLimits & MiddlewareSetting,
  ports: ServerPorts,
): ServerSettings<Data> {
  if (options.message !== undefined && options.messageStream !== undefined && options.upgrade === undefined) {
    throw new UsageError(
      'optionInvalid',
      'the options message and messageStream exclude each other without upgrade(): give one of them, or an upgrade() that answers messageStream: true for the connections whose messages are to be streamed',
    )
  }
  const memoryBytes = ports.memoryBytes?.() ?? 0
  const limits = { ...limitsOf(settled), ...sharesOf(memoryBytes, options) }
  const receiveBudget = new ReceiveBudget(limits.maxTotalReceiveBytes)
  const { origin, hosts, whenBufferFull, sequential, measureHandlers, tuneMemory, perMessageDeflate } = settled
  return {
    ports,
    limits,
    budget: new BufferBudget(limits.maxTotalBufferedBytes),
    receiveBudget,
    sharedInput: { budget: receiveBudget, turns: new ReadTurns(ports.clock, receiveBudget) },
    conduct: { ...usualConduct, whenBufferFull },
    ...{ origin, hosts, sequential, measureHandlers, tuneMemory, memoryBytes },
    trustedProxies: new TrustedProxies(settled.trustedProxies),
    negotiators: negotiatorsOf(perMessageDeflate, ports),
    route: routeOf(settled.path),
    use: settled.use ?? [],
    handlers: options,
  }
}

function limitsOf(settled: ServerLimits): { -readonly [name in keyof ServerLimits]: number } {
  const limits = { ...serverLimits }
  for (const name of Object.keys(serverLimits) as (keyof ServerLimits)[]) limits[name] = settled[name]
  return limits
}

/** The limits that the caller gave. */
type GivenLimits = OptionsOf<typeof serverLimitOptions>

/** The defaults that are a share of the process's memory, where that is less than the default of the table. */
function sharesOf(memoryBytes: number, options: GivenLimits): Partial<ServerLimits> {
  if (memoryBytes === 0) return {}
  const names = Object.keys(memoryShares) as (keyof typeof memoryShares)[]
  const shares = names
    .filter((name) => options[name] === undefined)
    .map((name) => [name, Math.min(serverLimits[name], Math.max(1, Math.floor(memoryBytes / memoryShares[name])))])
  return Object.fromEntries(shares)
}

function negotiatorsOf(option: boolean | PerMessageDeflateOptions, ports: ServerPorts): ExtensionNegotiator[] {
  const deflate = settleDeflate(option, 'server')
  if (deflate.length === 0) return []
  const codec = ports.deflateCodec()
  if (codec === undefined) {
    throw new UsageError('optionInvalid', 'this runtime has no compression: leave the option perMessageDeflate out')
  }
  return [new DeflateNegotiator(deflate, { ...ports, codec })]
}
