import { BufferBudget } from '../core/buffer-budget.js'
import type { ConnectionPorts } from '../core/connection-types.js'
import { UsageError } from '../core/errors.js'
import type { ExtensionNegotiator } from '../core/extensions/extension.js'
import { type ServerLimits, serverLimits } from '../core/limits.js'
import type { HttpHost, ListenOptions } from '../ports/http-host.js'
import type { ServeOptions, ServerHandlers } from './server-types.js'

/** What a server needs of its runtime. */
export interface ServerPorts extends ConnectionPorts {
  readonly httpHost: HttpHost
  readonly negotiators: readonly ExtensionNegotiator[]
  /** Tells whoever runs the program of an error that no handler took. */
  report(error: unknown): void
}

/** A server's options, checked and complete. */
export interface ServerSettings<Data> {
  readonly ports: ServerPorts
  readonly listen: ListenOptions
  readonly limits: ServerLimits
  readonly budget: BufferBudget
  readonly origin: 'any' | readonly string[]
  readonly hosts: 'any' | readonly string[]
  readonly whenBufferFull: 'close' | 'drop'
  readonly sequential: boolean
  readonly handlers: ServerHandlers<Data>
}

type Check = (value: unknown) => boolean

const isFunction: Check = (value) => typeof value === 'function'
const isCount: Check = (value) => Number.isInteger(value) && (value as number) > 0
const aFunction = ['a function', isFunction] as const
const aCount = ['an integer above 0', isCount] as const

/** V8 makes no longer strings. */
const longestMessage = 2 ** 29 - 24

/** What each option must be. */
const rules: { readonly [name in keyof Required<ServeOptions<unknown>>]: readonly [wanted: string, isRight: Check] } = {
  port: [
    'an integer from 0 to 65535',
    (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 65536,
  ],
  host: ['a name or an IP address', (value) => typeof value === 'string' && value !== ''],
  tls: ['an object with cert and key', (value) => value instanceof Object && 'cert' in value && 'key' in value],
  origin: ["'any' or a list of origins", (value) => value === 'any' || Array.isArray(value)],
  hosts: ["'any' or a list of names", (value) => value === 'any' || Array.isArray(value)],
  whenBufferFull: ["'close' or 'drop'", (value) => value === 'close' || value === 'drop'],
  sequential: ['true or false', (value) => typeof value === 'boolean'],
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
  idleTimeoutMs: ['an integer above 0, or Infinity', (value) => isCount(value) || value === Number.POSITIVE_INFINITY],
  maxConnections: aCount,
  maxTotalBufferedBytes: aCount,
  upgrade: aFunction,
  open: aFunction,
  message: aFunction,
  drain: aFunction,
  close: aFunction,
  error: aFunction,
  request: aFunction,
}

/** Checks a server's options and adds the defaults. A UsageError names the first that is wrong. */
export function settleServer<Data>(options: ServeOptions<Data>, ports: ServerPorts): ServerSettings<Data> {
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name as keyof typeof rules] : undefined
    if (rule === undefined) {
      throw new UsageError('optionInvalid', `there is no option "${name}"; there are: ${Object.keys(rules).join(', ')}`)
    }
    const [wanted, isRight] = rule
    if (value !== undefined && !isRight(value)) {
      throw new UsageError('optionInvalid', `the option ${name} must be ${wanted}, not ${describe(value)}`)
    }
  }
  const limits = { ...serverLimits }
  for (const name of Object.keys(serverLimits) as (keyof ServerLimits)[])
    limits[name] = options[name] ?? serverLimits[name]
  return {
    ports,
    limits,
    budget: new BufferBudget(limits.maxTotalBufferedBytes),
    listen: { port: options.port ?? 8080, host: options.host ?? '127.0.0.1', tls: options.tls, ...limits },
    origin: options.origin ?? [],
    hosts: options.hosts ?? [],
    whenBufferFull: options.whenBufferFull ?? 'close',
    sequential: options.sequential ?? false,
    handlers: options,
  }
}

function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : typeof value === 'object' ? 'an object' : String(value)
}
