import http, { type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** The private parts of node:http that this file uses. */
interface Parser {
  onIncoming: ((request: IncomingMessage, keepsAlive: boolean) => number) | null
}
type HttpSocket = Socket & { parser?: Parser | null }

const { _connectionListener: connectionListener } = http as unknown as {
  readonly _connectionListener?: (this: Server, socket: Duplex) => void
}

/** Has the length of `Upgrade`, so that the length of the head does not change. */
const notUpgrade = 'Unasked'

const nothing = new Uint8Array(0)
const lineEnd = Buffer.from('\r\n')
const upgradeHead = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: a\r\n'

/** An upgrade that node:http has handed out, and that no listener has touched. */
export interface UntouchedUpgrade {
  readonly request: IncomingMessage
  readonly stream: Duplex
  /** The bytes that arrived after the request's head. */
  readonly head: Uint8Array
}

/** A listener that connects the socket to the stream that replaces it. */
type Link = readonly [event: string, listener: (...args: unknown[]) => void]

/** The links of a stream that node:http has just handed out in place of the socket, as Node 26 and later do. */
export function linksOf({ request, stream }: UntouchedUpgrade): readonly Link[] {
  const { socket } = request
  if (stream === socket) return []
  return ['error', 'close', 'end'].flatMap((event) => {
    const last = socket.rawListeners?.(event).at(-1)
    return last === undefined ? [] : [[event, last as Link[1]] as const]
  })
}

/**
 * Gives a request back to the HTTP server that has handed it out as an upgrade. The server then answers it as an ordinary
 * request with its body (RFC 9110 §7.8), and owns the connection and its timeouts again. The app sees the Upgrade field
 * as it was sent. Returns false and does nothing if node:http does not look as expected.
 *
 * The server parses the request once more with another name in place of `Upgrade`, because its parser would otherwise
 * stop at the end of the message. Node 26 and later hand a request out before its body has arrived and are still parsing.
 * There the parser only needs to be told.
 */
export function giveBack(server: Server, { request, stream, head }: UntouchedUpgrade, links: readonly Link[]): boolean {
  const socket = request.socket as HttpSocket
  if (stream !== socket) return goOnWith(request, socket, stream, links)
  if (typeof connectionListener !== 'function' || socket.parser) return false
  const fields = [...request.rawHeaders]
  // The keep-alive timeout of the connection may still run.
  socket.setTimeout?.(server.timeout)
  const bytes = Buffer.concat([encodeHead(request), bodyOf(request), head])
  connectionListener.call(server, socket)
  const parser = socket.parser as Parser | null | undefined
  const onIncoming = parser?.onIncoming
  if (parser && onIncoming) {
    parser.onIncoming = (again, keepsAlive) => {
      parser.onIncoming = onIncoming
      // The getter `headers` reads from these.
      again.rawHeaders.splice(0, again.rawHeaders.length, ...fields)
      return onIncoming(again, keepsAlive)
    }
  }
  // Not by `unshift`: the peer may have ended its side while the request waited for its turn.
  socket.emit('data', bytes)
  if (socket.readableEnded) socket.emit('end')
  return true
}

/** Makes the owner of the parser, which still parses the body, take the request for an ordinary one. */
function goOnWith(request: IncomingMessage, socket: HttpSocket, stream: Duplex, links: readonly Link[]): boolean {
  const onIncoming = socket.parser?.onIncoming
  if (!onIncoming) return false
  for (const [event, listener] of links) socket.off(event, listener)
  for (const key of Object.getOwnPropertySymbols(socket)) {
    const slots = socket as unknown as Record<symbol, unknown>
    // The server keeps the stream that it handed out here until the body has arrived.
    if (slots[key] === stream) slots[key] = undefined
  }
  ;(request as { upgrade?: boolean }).upgrade = false
  onIncoming(request, keepsAlive(request))
  return true
}

function keepsAlive({ httpVersion, headers }: IncomingMessage): boolean {
  const options = (headers.connection ?? '').toLowerCase().split(/[,\s]+/)
  return httpVersion === '1.0' ? options.includes('keep-alive') : !options.includes('close')
}

function encodeHead({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    text += `${name.toLowerCase() === 'upgrade' ? notUpgrade : name}: ${rawHeaders[at + 1]}\r\n`
  }
  return Buffer.from(`${text}\r\n`, 'latin1')
}

/** The part of the body that node:http has already parsed, as Node 26 and later do, in its original framing. */
function bodyOf(request: IncomingMessage): Uint8Array {
  const chunks: Buffer[] = []
  for (let chunk = request.read(); chunk !== null; chunk = request.read()) chunks.push(chunk as Buffer)
  if (!('transfer-encoding' in request.headers)) return Buffer.concat(chunks)
  if (chunks.length === 0 && !hasBodiesParsed()) return nothing
  const { rawTrailers } = request
  let end = '0\r\n'
  for (let at = 0; at < rawTrailers.length; at += 2) end += `${rawTrailers[at]}: ${rawTrailers[at + 1]}\r\n`
  const framed = chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, lineEnd])
  return Buffer.concat([...framed, Buffer.from(`${end}\r\n`, 'latin1')])
}

let bodiesAreParsed: boolean | undefined

/** Whether node:http parses the body of an upgrade, as Node 26 and later do, or leaves it to the owner of the stream. */
function hasBodiesParsed(): boolean {
  if (bodiesAreParsed === undefined) {
    const probe = http.createServer()
    probe.on('upgrade', (_request, _stream, head) => {
      bodiesAreParsed = head.length === 0
    })
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    connectionListener!.call(probe, stream)
    stream.emit('data', Buffer.from(`${upgradeHead}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`))
    stream.destroy()
  }
  return bodiesAreParsed === true
}
