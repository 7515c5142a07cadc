import { UsageError } from '../../core/errors.js'
import { type DeflateSettings, settleDeflate } from '../../core/extensions/permessage-deflate/deflate-options.js'
import { clientLimits, type Limits } from '../../core/limits.js'
import { quoted } from '../../core/printable.js'
import type { ProxyOptions, TlsClientOptions } from '../../ports/connector.js'
import type { WebSocketOptions } from '../websocket/websocket-types.js'

/** A client's options, checked and complete; all but `protocols`, which the standard has rules for. */
export interface ClientSettings {
  readonly limits: Limits
  /** The caller's header fields, names and values in turn. */
  readonly fields: readonly string[]
  readonly origin: string | undefined
  readonly tls: TlsClientOptions
  readonly proxy: ProxyOptions | undefined
  readonly maxRedirects: number
  readonly signal: WebSocketOptions['signal']
  /** What is offered, the preferred first; nothing where it is empty. */
  readonly perMessageDeflate: readonly DeflateSettings[]
}

type Check = (value: unknown) => boolean
type Rule = readonly [wanted: string, isRight: Check, secret?: 'secret']

const isText: Check = (value) => typeof value === 'string'
const isPem: Check = (value) => (typeof value === 'string' && value !== '') || ArrayBuffer.isView(value)
const isCount: Check = (value) => Number.isInteger(value) && (value as number) > 0
const isAddress: Check = (value) => /^[0-9.]*$|:/.test(String(value))
const aCount: Rule = ['an integer above 0', isCount]

/** V8 makes no longer strings. */
const longestMessage = 2 ** 29 - 24

const mostRedirects = 10
const headersWanted = 'an object of names and values, or a list of pairs'

/** What each option must be. What is secret is not repeated in the error. */
const rules: { readonly [name in keyof Required<WebSocketOptions>]: Rule } = {
  protocols: ['a subprotocol or a list of them', (value) => isText(value) || isIterable(value)],
  headers: [headersWanted, (value) => typeof value === 'object' && value !== null, 'secret'],
  origin: ['a text', isText],
  ca: [
    'PEM text, bytes, or a list of these',
    (value) => isPem(value) || (Array.isArray(value) && value.every(isPem)),
    'secret',
  ],
  cert: ['PEM text or bytes', isPem, 'secret'],
  key: ['PEM text or bytes', isPem, 'secret'],
  servername: ['a host name, not an IP address', (value) => isText(value) && !isAddress(value)],
  rejectUnauthorized: ['true or false', (value) => typeof value === 'boolean'],
  proxy: ["'env', or the URL of a proxy by http:, https:, socks5: or socks5h:, without a path", isProxy, 'secret'],
  signal: ['an AbortSignal', (value) => value instanceof Object && 'aborted' in value && 'addEventListener' in value],
  // Its own rules say more.
  perMessageDeflate: [
    'true, false or an object',
    (value) => typeof value === 'boolean' || (typeof value === 'object' && value !== null),
  ],
  handshakeTimeoutMs: aCount,
  closeTimeoutMs: aCount,
  maxMessageBytes: [
    `an integer from 1 to ${longestMessage}`,
    (value) => isCount(value) && Number(value) <= longestMessage,
  ],
  maxRedirects: [
    `an integer from 0 to ${mostRedirects}`,
    (value) => value === 0 || (isCount(value) && Number(value) <= mostRedirects),
  ],
}

/** Checks a client's options and adds the defaults. A UsageError 'optionInvalid' names the first that is wrong. */
export function settleClient(options: WebSocketOptions): ClientSettings {
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name as keyof typeof rules] : undefined
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
  const { ca, cert, key, servername, rejectUnauthorized, proxy, headers = {} } = options
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('optionInvalid', 'the options cert and key belong together: give both or none')
  }
  const limits: Record<keyof Limits, number> = { ...clientLimits }
  for (const name of ['maxMessageBytes', 'handshakeTimeoutMs', 'closeTimeoutMs'] as const) {
    limits[name] = options[name] ?? clientLimits[name]
  }
  return {
    limits,
    fields: fieldsOf(headers),
    origin: options.origin,
    tls: { ca, cert, key, servername, rejectUnauthorized },
    proxy: proxy === undefined ? undefined : { url: proxy, ca },
    maxRedirects: options.maxRedirects ?? 0,
    signal: options.signal,
    perMessageDeflate: settleDeflate(options.perMessageDeflate ?? true, 'client'),
  }
}

function fieldsOf(headers: NonNullable<WebSocketOptions['headers']>): string[] {
  const pairs: readonly unknown[] = Symbol.iterator in headers ? [...headers] : Object.entries(headers)
  return pairs.flatMap((pair) => {
    if (Array.isArray(pair) && pair.length === 2) return pair
    throw new UsageError('optionInvalid', `the option headers must be ${headersWanted}`)
  })
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

function isProxy(value: unknown): boolean {
  if (value === 'env') return true
  return typeof value === 'string' && /^(?:https?|socks5h?):\/\/[^/?#]+\/?$/i.test(value) && URL.canParse(value)
}

function describe(value: unknown): string {
  return typeof value === 'string' ? `"${quoted(value)}"` : typeof value === 'object' ? 'an object' : String(value)
}
