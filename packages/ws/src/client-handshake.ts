import crypto, { createHash, randomBytes } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { unescape as unescaped } from 'node:querystring'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { tryToTakeHandles } from 'twoway/streams'
import { type DeflateOptions, deflateName, type Extensions, negotiationOf } from './deflate.js'
import { extension } from './header-values.js'
import { maxPayloadOf } from './safety.js'
import type { SocketOptions } from './socket-options.js'

type Headers = Record<string, string | number | string[] | undefined>

/** The WebSocket that a handshake opens. */
export interface HandshakeOwner extends EventEmitter {
  _url: string | undefined
  _req: ClientRequest | null
  _redirects: number
  _protocol: string
  _readyState: 0 | 1 | 2 | 3
  _extensions: Extensions
  readonly url: string | undefined
  readonly readyState: 0 | 1 | 2 | 3
  readonly CONNECTING: 0
  setSocket(socket: Duplex, head: Buffer, options: SocketOptions): void
  emitClose(): void
}

export interface ClientOptions extends Omit<RequestOptions, 'protocol' | 'headers'>, SocketOptions {
  readonly protocols?: string | string[]
  readonly headers?: Headers
  readonly autoPong?: boolean
  readonly closeTimeout?: number
  readonly maxPendingAutoPongs?: number
  readonly protocolVersion?: number
  readonly perMessageDeflate?: boolean | DeflateOptions
  readonly followRedirects?: boolean
  readonly maxRedirects?: number
  readonly handshakeTimeout?: number
  readonly origin?: string
  readonly finishRequest?: (request: ClientRequest, ws: HandshakeOwner) => void
}

interface Settings extends ClientOptions {
  readonly autoPong: boolean
  readonly maxPendingAutoPongs: number
  readonly closeTimeout: number
}

/** Where the first request of a chain of redirects went: only there do credentials go. */
interface Origin {
  readonly isSecure: boolean
  readonly isPipe: boolean
  readonly place: string
}

const protocolVersions = [8, 13]
const subprotocolName = /^[!#$%&'*+\-.0-9A-Z^_`|a-z~]+$/

export function acceptOf(key: string): string {
  const input = `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
  // An object for each hash, as `createHash` makes it, is a stream. Older versions of other runtimes lack `hash`.
  return crypto.hash?.('sha1', input, 'base64') ?? createHash('sha1').update(input).digest('base64')
}

/** Requests the upgrade by node:http, and hands the socket to the WebSocket. Throws for arguments that can't be used. */
export function openHandshake(
  ws: HandshakeOwner,
  address: string | URL,
  protocols: readonly string[],
  options: ClientOptions = {},
  first?: Origin,
): Settings {
  const settings: Settings = {
    autoPong: true,
    closeTimeout: 30_000,
    maxPendingAutoPongs: 60,
    maxPayload: maxPayloadOf('client', options.safe),
    perMessageDeflate: true,
    maxRedirects: 10,
    ...options,
  }
  const { protocolVersion = 13 } = settings
  if (!protocolVersions.includes(protocolVersion)) {
    throw new RangeError(
      `Unsupported protocol version: ${protocolVersion} (supported versions: ${protocolVersions.join(', ')})`,
    )
  }
  const url = urlOf(address)
  ws._url = url.href
  const fault = faultOf(url)
  if (fault !== undefined) {
    if (first === undefined) throw fault
    failAndClose(ws, fault)
    return settings
  }
  const isSecure = url.protocol === 'wss:'
  const isPipe = url.protocol === 'ws+unix:'
  const key = randomBytes(16).toString('base64')
  const deflate = settings.perMessageDeflate && negotiationOf('client', settings.perMessageDeflate)
  const names = new Set(checkedNames(protocols))
  const headers: Headers = {
    ...settings.headers,
    'Sec-WebSocket-Version': protocolVersion,
    'Sec-WebSocket-Key': key,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    ...(deflate && { 'Sec-WebSocket-Extensions': deflate.offer }),
    ...(names.size > 0 && { 'Sec-WebSocket-Protocol': protocols.join(',') }),
    ...(settings.origin && { [protocolVersion < 13 ? 'Sec-WebSocket-Origin' : 'Origin']: settings.origin }),
  }
  const path = `${url.pathname}${url.search}`
  const colon = path.indexOf(':')
  const socketPath = !isPipe ? undefined : colon < 0 ? path : path.slice(0, colon)
  const place = socketPath ?? url.host
  const defaultPort = isSecure ? 443 : 80
  const request: RequestOptions & { headers: Headers } = {
    ...(settings as RequestOptions),
    protocol: undefined,
    method: 'GET',
    hostname: undefined,
    host: url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname,
    port: url.port || defaultPort,
    defaultPort: settings.defaultPort || defaultPort,
    path: !isPipe ? path : colon < 0 ? '' : path.slice(colon + 1),
    socketPath,
    timeout: settings.handshakeTimeout,
    headers,
    createConnection: settings.createConnection ?? ((isSecure ? connectTls : connectPlainly) as never),
    ...((url.username || url.password) && {
      auth: `${unescaped(url.username)}:${unescaped(url.password)}`,
    }),
  }
  const origin = first ?? { isSecure, isPipe, place }
  let following = options
  if (settings.followRedirects) {
    if (first === undefined) {
      following = { ...options, headers: lowerCased(options.headers) }
    } else if (ws.listenerCount('redirect') === 0) {
      dropCredentials(request, origin, { isSecure, isPipe, place })
    }
    const authorization = request.auth && `Basic ${Buffer.from(request.auth).toString('base64')}`
    if (authorization && following.headers?.authorization === undefined) {
      following = { ...following, headers: { ...following.headers, authorization } }
    }
  }
  void tryToTakeHandles()
  const asked = (isSecure ? https : http).request(request)
  ws._req = asked
  if (first !== undefined) ws.emit('redirect', ws.url, asked)
  if (settings.handshakeTimeout) {
    asked.on('timeout', () => abortHandshake(ws, asked, 'Opening handshake has timed out'))
  }
  asked.on('error', (error) => {
    if (ws._req !== asked || aborted.has(asked)) return
    ws._req = null
    failAndClose(ws, error)
  })
  asked.on('response', (response) => {
    const { location } = response.headers
    const status = response.statusCode!
    if (location && settings.followRedirects && status >= 300 && status < 400) {
      ws._redirects += 1
      if (ws._redirects > settings.maxRedirects!) {
        abortHandshake(ws, asked, 'Maximum redirects exceeded')
        return
      }
      aborted.add(asked)
      asked.destroy()
      if (URL.canParse(location, url.href)) openHandshake(ws, new URL(location, url), protocols, following, origin)
      else failAndClose(ws, new SyntaxError(`Invalid URL: ${location}`))
    } else if (!ws.emit('unexpected-response', asked, response)) {
      abortHandshake(ws, asked, `Unexpected server response: ${status}`)
    }
  })
  asked.on('upgrade', (response, socket, head) => {
    ws.emit('upgrade', response)
    if (ws.readyState !== ws.CONNECTING) return
    ws._req = null
    const broken = faultOfAnswer(response, key, names)
    if (broken !== undefined) {
      abortHandshake(ws, socket, broken)
      return
    }
    ws._protocol = response.headers['sec-websocket-protocol'] ?? ''
    const extensions = response.headers['sec-websocket-extensions']
    if (extensions !== undefined) {
      if (!deflate) {
        abortHandshake(ws, socket, 'Server sent a Sec-WebSocket-Extensions header but no extension was requested')
        return
      }
      const negotiated = deflate.confirm(extensions)
      if (negotiated === undefined) {
        abortHandshake(ws, socket, faultOfExtensions(extensions))
        return
      }
      ws._extensions = { [deflateName]: negotiated }
    }
    ws.setSocket(socket, head, settings)
  })
  if (settings.finishRequest) settings.finishRequest(asked, ws)
  else asked.end()
  return settings
}

/** Requests that were given up: their errors are not the WebSocket's. */
const aborted = new WeakSet<ClientRequest>()

/** Ends a handshake with an error, soon. */
export function abortHandshake(ws: HandshakeOwner, stream: ClientRequest | Duplex | null, message: string): void {
  ws._readyState = 2
  const error = new Error(message)
  if (stream !== null && 'setHeader' in stream) {
    aborted.add(stream)
    stream.on('error', () => {})
    stream.destroy()
    stream.socket?.destroy()
    process.nextTick(failAndClose, ws, error)
  } else if (stream !== null) {
    stream.once('error', (cause) => ws.emit('error', cause))
    stream.once('close', () => ws.emitClose())
    stream.destroy(error)
  } else {
    process.nextTick(failAndClose, ws, error)
  }
}

function failAndClose(ws: HandshakeOwner, error: Error): void {
  ws._readyState = 2
  ws.emit('error', error)
  ws.emitClose()
}

function urlOf(address: string | URL): URL {
  if (!(address instanceof URL) && !URL.canParse(address)) throw new SyntaxError(`Invalid URL: ${address}`)
  const url = new URL(address)
  if (url.protocol === 'http:') url.protocol = 'ws:'
  else if (url.protocol === 'https:') url.protocol = 'wss:'
  return url
}

function faultOf(url: URL): SyntaxError | undefined {
  if (!['ws:', 'wss:', 'ws+unix:'].includes(url.protocol)) {
    return new SyntaxError('The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"')
  }
  if (url.protocol === 'ws+unix:' && !url.pathname) return new SyntaxError("The URL's pathname is empty")
  return url.hash ? new SyntaxError('The URL contains a fragment identifier') : undefined
}

function checkedNames(protocols: readonly string[]): readonly string[] {
  const isValid = protocols.every((name) => typeof name === 'string' && subprotocolName.test(name))
  if (isValid && new Set(protocols).size === protocols.length) return protocols
  throw new SyntaxError('An invalid or duplicated subprotocol was specified')
}

/** RFC 6455 §4.1, in ws's words. */
function faultOfAnswer({ headers }: IncomingMessage, key: string, names: ReadonlySet<string>): string | undefined {
  if (headers.upgrade?.toLowerCase() !== 'websocket') return 'Invalid Upgrade header'
  if (headers['sec-websocket-accept'] !== acceptOf(key)) return 'Invalid Sec-WebSocket-Accept header'
  const protocol = headers['sec-websocket-protocol']
  if (protocol === undefined) return names.size > 0 ? 'Server sent no subprotocol' : undefined
  if (names.size === 0) return 'Server sent a subprotocol but none was requested'
  return names.has(protocol) ? undefined : 'Server sent an invalid subprotocol'
}

/** The reason why an answer's extensions are refused, in ws's words. */
function faultOfExtensions(header: string): string {
  try {
    const names = Object.keys(extension.parse(header))
    if (names.length !== 1 || names[0] !== deflateName) return 'Server indicated an extension that was not requested'
  } catch {
    // A malformed header has the words of an invalid parameter.
  }
  return 'Invalid Sec-WebSocket-Extensions header'
}

function lowerCased(headers: Headers = {}): Headers {
  return Object.fromEntries(Object.entries(headers).map(({ 0: name, 1: value }) => [name.toLowerCase(), value]))
}

/** Credentials do not follow a redirect to another host, nor from TLS to plain text. */
function dropCredentials(request: RequestOptions & { headers: Headers }, from: Origin, to: Origin): void {
  const isSameHost = from.isPipe === to.isPipe && from.place === to.place
  if (isSameHost && (!from.isSecure || to.isSecure)) return
  delete request.headers.authorization
  delete request.headers.cookie
  if (!isSameHost) delete request.headers.host
  request.auth = undefined
}

function connectPlainly(options: net.NetConnectOpts & RequestOptions): net.Socket {
  return net.connect({ ...options, path: options.socketPath } as net.NetConnectOpts)
}

function connectTls(options: tls.ConnectionOptions): tls.TLSSocket {
  const { host = '', servername } = options
  return tls.connect({ ...options, path: undefined, servername: servername ?? (net.isIP(host) ? '' : host) })
}
