import http, { type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { subprotocol } from './header-values.js'

const challenge = /^[+/0-9A-Za-z]{22}==$/

/** The status of a refusal, its message and more headers. */
type Fault = [status: number, message: string, more?: http.OutgoingHttpHeaders]

/** RFC 6455 §4.2.1, in ws's words. */
export function faultOf({ method, headers }: IncomingMessage): Fault | undefined {
  const version = Number(headers['sec-websocket-version'])
  if (method !== 'GET') return [405, 'Invalid HTTP method']
  if (headers.upgrade?.toLowerCase() !== 'websocket') return [400, 'Invalid Upgrade header']
  if (!challenge.test(headers['sec-websocket-key'] ?? '')) return [400, 'Missing or invalid Sec-WebSocket-Key header']
  if (version === 13 || version === 8) return undefined
  return [400, 'Missing or invalid Sec-WebSocket-Version header', { 'Sec-WebSocket-Version': '13, 8' }]
}

export function namesIn(header: string | undefined): Set<string> | undefined {
  if (header === undefined) return new Set()
  try {
    return subprotocol.parse(header)
  } catch {
    return undefined
  }
}

export function destroyIt(this: Duplex): void {
  this.destroy()
}

export function refusePlainRequest(_request: IncomingMessage, response: http.ServerResponse): void {
  const body = http.STATUS_CODES[426]!
  response.writeHead(426, { 'Content-Length': body.length, 'Content-Type': 'text/plain' })
  response.end(body)
}

export function answer(socket: Duplex, status: number, text?: string, more?: http.OutgoingHttpHeaders): void {
  const message = text || http.STATUS_CODES[status]!
  const headers = {
    Connection: 'close',
    'Content-Type': 'text/html',
    'Content-Length': Buffer.byteLength(message),
    ...more,
  }
  const lines = Object.entries(headers).map(({ 0: name, 1: value }) => `${name}: ${value}`)
  socket.once('finish', () => socket.destroy())
  socket.end([`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}`, ...lines, '', message].join('\r\n'))
}
