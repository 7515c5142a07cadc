import type { ConnectionPorts } from '../core/connection-types.js'
import { UsageError } from '../core/errors.js'
import type { ExtensionNegotiator } from '../core/extensions/extension.js'
import { DeflateNegotiator } from '../core/extensions/permessage-deflate/deflate-negotiator.js'
import { type PerMessageDeflateOptions, settleDeflate } from '../core/extensions/permessage-deflate/deflate-options.js'
import { plainLimits, type ServerLimits, serverLimits } from '../core/limits.js'
import { quoted } from '../core/printable.js'
import { ReceiveBudget } from '../core/receiving/receive-budget.js'
import { BufferBudget } from '../core/sending/buffer-budget.js'
import type { DeflateCodec } from '../ports/deflate-codec.js'
import type { Diagnostics } from '../ports/diagnostics.js'
import type { HttpHost, ListenOptions } from '../ports/http-host.js'
import type { MemoryTuning } from '../ports/memory-tuning.js'
import type { TransportReport } from '../ports/transport-report.js'
import type { AttachOptions, PlainHandlers, ServeOptions, ServerHandlers, ServerOptions } from './server-types.js'

/** What a server needs of its runtime. */
export interface ServerPorts extends ConnectionPorts {
  readonly httpHost: HttpHost
  readonly diagnostics: Diagnostics
  /** Bytes of memory that the process may use; undefined where the runtime does not know. */
  readonly memoryBytes?: (() => number) | undefined
  /** Undefined where the runtime has none. */
  readonly deflateCodec: () => DeflateCodec | undefined
  /** Undefined where the runtime has nothing to tune. */
  readonly memoryTuning?: MemoryTuning | undefined
  /** How the bytes of a listener's connections travel; where undefined, within the process. */
  readonly transport?: ((encrypted: boolean) => TransportReport) | undefined
  /** Tells whoever runs the program of an error that no handler took. */
  report(error: unknown): void
}

/** A server's options, checked and complete. */
export interface ServerSettings<Data> {
  readonly ports: ServerPorts
  readonly limits: ServerLimits
  readonly budget: BufferBudget
  readonly receiveBudget: ReceiveBudget
  readonly origin: 'any' | readonly string[]
  readonly hosts: 'any' | readonly string[]
  readonly whenBufferFull: 'close' | 'drop'
  readonly sequential: boolean
  readonly tuneMemory: boolean
  readonly negotiators: readonly ExtensionNegotiator[]
  readonly handlers: ServerHandlers<Data> & PlainHandlers
}

type Check = (value: unknown) => boolean

const isFunction: Check = (value) => typeof value === 'function'
const isCount: Check = (value) => Number.isInteger(value) && (value as number) > 0
const isAnyOrTexts: Check = (value) =>
  value === 'any' || (Array.isArray(value) && value.every((each) => typeof each === 'string'))
const aFunction = ['a function', isFunction] as const
const aCount = ['an integer above 0', isCount] as const
const aCountOrNone = [
  'an integer above 0, or Infinity',
  (value: unknown) => isCount(value) || value === Number.POSITIVE_INFINITY,
] as const

/** V8 makes no longer strings. */
const longestMessage = 2 ** 29 - 24

type Rule = readonly [wanted: string, isRight: Check, secret?: 'secret']

/** What each option of every server must be. */
const commonRules: { readonly [name in keyof Required<ServerOptions<unknown>>]: Rule } = {
  origin: ["'any' or a list of origins", isAnyOrTexts],
  hosts: ["'any' or a list of names", isAnyOrTexts],
  whenBufferFull: ["'close' or 'drop'", (value) => value === 'close' || value === 'drop'],
  sequential: ['true or false', (value) => typeof value === 'boolean'],
  tuneMemory: ['true or false', (value) => typeof value === 'boolean'],
  // Its own rules say more.
  perMessageDeflate: [
    'true, false or an object',
    (value) => typeof value === 'boolean' || (typeof value === 'object' && value !== null),
  ],
  maxMessageBytes: [
    `an integer from 1 to ${longestMessage}`,
    (value) => isCount(value) && Number(value) <= longestMessage,
  ],
  handshakeTimeoutMs: aCount,
  maxHeadBytes: aCount,
  maxHeaderFields: aCount,
  closeTimeoutMs: aCount,
  highWaterMarkBytes: aCount,
  maxBufferedBytes: aCount,
  idleTimeoutMs: aCountOrNone,
  maxConnections: aCount,
  maxTotalBufferedBytes: aCount,
  maxTotalReceiveBytes: aCount,
  messageTimeoutMs: aCountOrNone,
  maxMessagesPerSecond: aCountOrNone,
  maxBytesPerSecond: aCountOrNone,
  maxHandshakesPerSecond: aCountOrNone,
  upgrade: aFunction,
  open: aFunction,
  message: aFunction,
  messageStream: aFunction,
  drain: aFunction,
  close: aFunction,
  error: aFunction,
}

const serveRules: { readonly [name in keyof Required<ServeOptions<unknown>>]: Rule } = {
  port: [
    'an integer from 0 to 65535',
    (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 65536,
  ],
  host: ['a name or an IP address', (value) => typeof value === 'string' && value !== ''],
  socketPath: [
    'the path of a Unix socket',
    (value) => typeof value === 'string' && value !== '' && !value.includes('\0'),
  ],
  handle: ['a server or socket of node:net, or an object with fd', (value) => value instanceof Object],
  backlog: aCount,
  reusePort: ['true or false', (value) => typeof value === 'boolean'],
  tls: [
    'an object with cert and key, or with pfx',
    (value) => typeof value === 'object' && value !== null && (('cert' in value && 'key' in value) || 'pfx' in value),
    'secret',
  ],
  request: aFunction,
  maxRequests: aCount,
  requestTimeoutMs: aCountOrNone,
  ...commonRules,
}

const attachRules: { readonly [name in keyof Required<AttachOptions<unknown>>]: Rule } = {
  path: [
    "a path such as '/chat', without a query, or a function of the request",
    (value) => (typeof value === 'string' && /^\/[^?#]*$/.test(value)) || isFunction(value),
  ],
  ...commonRules,
}

/** Options of `serve` that an attachment has none of, and why. */
const notOfAttachments: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['request', 'maxRequests', 'requestTimeoutMs'].map((name) => [name, 'plain requests remain with the HTTP server']),
  ),
  ...Object.fromEntries(
    ['port', 'host', 'socketPath', 'handle', 'backlog', 'reusePort', 'tls'].map((name) => [
      name,
      'the HTTP server decides where it listens, and whether with TLS',
    ]),
  ),
}

/** Ways to say where to listen: one of them at most. */
const places = [['port', 'host', 'reusePort'], ['socketPath'], ['handle']] as const

/** Checks the options of `serve` and adds the defaults. A UsageError names the first that is wrong. */
export function settleServe<Data>(
  options: ServeOptions<Data>,
  ports: ServerPorts,
): { readonly settings: ServerSettings<Data>; readonly listen: ListenOptions } {
  checkOptions(options, serveRules)
  const given = places.flatMap((names) => names.find((name) => options[name] !== undefined) ?? [])
  if (given.length > 1) {
    throw new UsageError('optionInvalid', `the options ${given.join(' and ')} exclude each other: give one of them`)
  }
  const settings = settingsOf(options, ports)
  const { limits, receiveBudget } = settings
  const { port = 8080, host = '127.0.0.1', socketPath, handle, backlog, reusePort, tls } = options
  const { maxRequests = plainLimits.maxRequests, requestTimeoutMs = plainLimits.requestTimeoutMs } = options
  const plain = { maxRequests, requestTimeoutMs }
  return {
    settings,
    listen: { port, host, socketPath, handle, backlog, reusePort, tls, ...limits, ...plain, receiveBudget },
  }
}

/** Checks the options of `attach` and adds the defaults. A UsageError names the first that is wrong. */
export function settleAttach<Data>(options: AttachOptions<Data>, ports: ServerPorts): ServerSettings<Data> {
  const name = Object.keys(options).find((each) => Object.hasOwn(notOfAttachments, each))
  if (name !== undefined) {
    throw new UsageError('optionInvalid', `attach() takes no option ${name}: ${notOfAttachments[name]}`)
  }
  checkOptions(options, attachRules)
  return settingsOf(options, ports)
}

function checkOptions(options: object, rules: Readonly<Record<string, Rule>>): void {
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule === undefined) {
      throw new UsageError(
        'optionInvalid',
        `there is no option "${quoted(name)}"; there are: ${Object.keys(rules).join(', ')}`,
      )
    }
    const [wanted, isRight, secret] = rule
    if (value !== undefined && !isRight(value)) {
      const found = secret === undefined ? `, not ${describe(value)}` : ''
      throw new UsageError('optionInvalid', `the option ${name} must be ${wanted}${found}`)
    }
  }
}

function settingsOf<Data>(options: ServerOptions<Data> & PlainHandlers, ports: ServerPorts): ServerSettings<Data> {
  if (options.message !== undefined && options.messageStream !== undefined && options.upgrade === undefined) {
    throw new UsageError(
      'optionInvalid',
      'message takes messages whole and messageStream takes them as they come: give one of them, or an upgrade() that answers messageStream: true where a connection wants the latter',
    )
  }
  const defaults = defaultLimits(ports)
  const limits = { ...defaults }
  for (const name of Object.keys(defaults) as (keyof ServerLimits)[]) limits[name] = options[name] ?? defaults[name]
  return {
    ports,
    limits,
    budget: new BufferBudget(limits.maxTotalBufferedBytes),
    receiveBudget: new ReceiveBudget(limits.maxTotalReceiveBytes),
    origin: options.origin ?? [],
    hosts: options.hosts ?? [],
    whenBufferFull: options.whenBufferFull ?? 'close',
    sequential: options.sequential ?? false,
    tuneMemory: options.tuneMemory ?? true,
    negotiators: negotiatorsOf(options.perMessageDeflate ?? false, ports),
    handlers: options,
  }
}

/** A process with little memory spares an eighth of it for what is not complete. */
function defaultLimits({ memoryBytes }: ServerPorts): ServerLimits {
  const share = Math.floor((memoryBytes?.() ?? Number.POSITIVE_INFINITY) / 8)
  return { ...serverLimits, maxTotalReceiveBytes: Math.max(1, Math.min(serverLimits.maxTotalReceiveBytes, share)) }
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

function describe(value: unknown): string {
  return typeof value === 'string' ? `"${quoted(value)}"` : typeof value === 'object' ? 'an object' : String(value)
}
