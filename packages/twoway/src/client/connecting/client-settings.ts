import { UsageError } from '../../core/errors.js'
import { type DeflateSettings, settleDeflate } from '../../core/extensions/permessage-deflate/deflate-options.js'
import { type ClientLimits, clientLimits } from '../../core/limits.js'
import { quoted } from '../../core/printable.js'
import { version } from '../../core/version.js'
import type { CreateConnection, LocalOptions, ProxyOptions, TlsClientOptions } from '../../ports/connector.js'
import { elementsOf } from '../elements-of.js'
import type { WebSocketOptions } from '../websocket/websocket-types.js'

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
  /** What is offered, the preferred first; nothing where it is empty. */
  readonly perMessageDeflate: readonly DeflateSettings[]
}

type Check = (value: unknown) => boolean
type Rule = readonly [wanted: string, isRight: Check, secret?: 'secret']

const isText: Check = (value) => typeof value === 'string'
const isGivenText: Check = (value) => isText(value) && value !== ''
const isFunction: Check = (value) => typeof value === 'function'
const isPem: Check = (value) => (typeof value === 'string' && value !== '') || ArrayBuffer.isView(value)
const isPemOrList: Check = (value) => isPem(value) || isListOf(isPem)(value)
const isCount: Check = (value) => Number.isInteger(value) && (value as number) > 0
const isAddress: Check = (value) => /^[0-9.]*$|:/.test(String(value))
const aCount: Rule = ['an integer above 0', isCount]

const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']
const aTlsVersion: Rule = [`one of ${tlsVersions.join(', ')}`, (value) => tlsVersions.includes(value as string)]

/** V8 makes no longer strings. */
const longestMessage = 2 ** 29 - 24

const mostRedirects = 10
const headersWanted = 'an object of names and values, or a list of pairs'

/** What each option must be. What is secret is not repeated in the error. */
const rules: { readonly [name in keyof Required<WebSocketOptions>]: Rule } = {
  protocols: ['a subprotocol or a list of them', (value) => isText(value) || isIterable(value)],
  headers: [headersWanted, (value) => typeof value === 'object' && value !== null, 'secret'],
  origin: ['a text', isText],
  userAgent: ["a text, '' for none", isText],
  ca: ['PEM text, bytes, or a list of these', isPemOrList, 'secret'],
  cert: ['PEM text, bytes, or a list of these', isPemOrList, 'secret'],
  key: [
    'PEM text, bytes, or a list of these and of objects { pem, passphrase }',
    (value) => isPem(value) || isListOf((element) => isPem(element) || isEncrypted('pem', element))(value),
    'secret',
  ],
  passphrase: ['a text', isText, 'secret'],
  pfx: [
    'the bytes of a PKCS #12 file, or a list of these and of objects { buf, passphrase }',
    (value) => isPem(value) || isListOf((element) => isPem(element) || isEncrypted('buf', element))(value),
    'secret',
  ],
  servername: ['a host name, not an IP address', (value) => isText(value) && !isAddress(value)],
  rejectUnauthorized: ['true or false', (value) => typeof value === 'boolean'],
  checkServerIdentity: ['a function', isFunction],
  minVersion: aTlsVersion,
  maxVersion: aTlsVersion,
  ciphers: ['a text, names of cipher suites with colons between', isGivenText],
  lookup: ["a function, such as Node's dns.lookup", isFunction],
  family: ['0, 4 or 6', (value) => value === 0 || value === 4 || value === 6],
  localAddress: ['an IP address', (value) => isGivenText(value) && isAddress(value)],
  localPort: ['an integer from 1 to 65535', (value) => isCount(value) && Number(value) <= 65535],
  createConnection: ['a function', isFunction],
  proxy: ["'env', or the URL of a proxy by http:, https:, socks5: or socks5h:, without a path", isProxy, 'secret'],
  signal: [
    'an AbortSignal',
    (value) => typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value,
  ],
  // Its own rules say more.
  perMessageDeflate: [
    'true, false or an object',
    (value) => typeof value === 'boolean' || (typeof value === 'object' && value !== null),
  ],
  handshakeTimeoutMs: aCount,
  closeTimeoutMs: aCount,
  maxHeadBytes: aCount,
  maxHeaderFields: aCount,
  maxRefusalBodyBytes: ['an integer from 0', (value) => value === 0 || isCount(value)],
  refusalBodyTimeoutMs: aCount,
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
  Object.entries(options).forEach(({ 0: name, 1: value }) => {
    const rule = Object.hasOwn(rules, name) ? rules[name as keyof typeof rules] : undefined
    if (rule === undefined) {
      throw new UsageError(
        'optionInvalid',
        `there is no option "${quoted(name)}"; there are: ${Object.keys(rules).join(', ')}`,
      )
    }
    const { 0: wanted, 1: isRight, 2: secret } = rule
    if (value !== undefined && !isRight(value)) {
      const found = secret === undefined ? `, not ${describe(value)}` : ''
      throw new UsageError('optionInvalid', `the option ${name} must be ${wanted}${found}`)
    }
  })
  const { ca, cert, key, proxy, createConnection, headers = {} } = options
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('optionInvalid', 'the options cert and key belong together: give both or none')
  }
  if (createConnection !== undefined && proxy !== undefined) {
    throw new UsageError('optionInvalid', 'the options createConnection and proxy exclude each other: give one of them')
  }
  const limits: Record<keyof ClientLimits, number> = { ...clientLimits, ...pick(options, limitNames) }
  return {
    limits,
    fields: fieldsOf(headers),
    origin: options.origin,
    userAgent: options.userAgent ?? `twoway/${version}`,
    tls: pick(options, tlsNames),
    local: pick(options, localNames),
    createConnection,
    proxy: proxy === undefined ? undefined : { url: proxy, ca, limits },
    maxRedirects: options.maxRedirects ?? 0,
    signal: options.signal,
    perMessageDeflate: settleDeflate(options.perMessageDeflate ?? true, 'client'),
  }
}

const limitNames = [
  'maxMessageBytes',
  'handshakeTimeoutMs',
  'closeTimeoutMs',
  'maxHeadBytes',
  'maxHeaderFields',
  'maxRefusalBodyBytes',
  'refusalBodyTimeoutMs',
] as const satisfies readonly (keyof ClientLimits)[]

const tlsNames = [
  'ca',
  'cert',
  'key',
  'passphrase',
  'pfx',
  'servername',
  'rejectUnauthorized',
  'checkServerIdentity',
  'minVersion',
  'maxVersion',
  'ciphers',
] as const satisfies readonly (keyof TlsClientOptions)[]

const localNames = ['lookup', 'family', 'localAddress', 'localPort'] as const satisfies readonly (keyof LocalOptions)[]

type Given<Options, Name extends keyof Options> = { [Key in Name]?: NonNullable<Options[Key]> }

/** The options of these names that are given. */
function pick<Options extends object, Name extends keyof Options>(
  options: Options,
  names: readonly Name[],
): Given<Options, Name> {
  const picked: Given<Options, Name> = {}
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
    throw new UsageError('optionInvalid', `the option headers must be ${headersWanted}`)
  })
}

function isListOf(isRight: Check): Check {
  return (value) => Array.isArray(value) && value.every(isRight)
}

function isEncrypted(name: 'pem' | 'buf', value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { [name]: encrypted, passphrase } = value as Readonly<Record<string, unknown>>
  return isPem(encrypted) && (passphrase === undefined || isText(passphrase))
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
