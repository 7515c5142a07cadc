import http, { type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** What is touched of node:http's insides. */
interface Parser {
  onIncoming: ((request: IncomingMessage, keepsAlive: boolean) => number) | null
}
type HttpSocket = Socket & { parser?: Parser | null }

const { _connectionListener: connectionListener } = http as unknown as {
  readonly _connectionListener?: (this: Server, socket: Duplex) => void
}

/** As long as `Upgrade`, so that the head stays as long as it was. */
const notUpgrade = 'Unasked'

const nothing = new Uint8Array(0)
const lineEnd = Buffer.from('\r\n')
const upgradeHead = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: a\r\n'

/** An upgrade that node:http has handed out, and that nobody has touched. */
export interface UntouchedUpgrade {
  readonly request: IncomingMessage
  readonly stream: Duplex
  /** What came behind the request's head. */
  readonly head: Uint8Array
}

/** A listener by which a stream in place of the socket follows it. */
type Link = readonly [event: string, listener: (...args: unknown[]) => void]

/** The links of a stream that node:http has just handed out in place of the socket, as it does from Node 26 on. */
export function linksOf({ request, stream }: UntouchedUpgrade): readonly Link[] {
  const { socket } = request
  if (stream === socket) return []
  return ['error', 'close', 'end'].flatMap((event) => {
    const last = socket.rawListeners?.(event).at(-1)
    return last === undefined ? [] : [[event, last as Link[1]] as const]
  })
}

/**
 * Gives a request back to the HTTP server that has handed it out as an upgrade, which then answers it as an ordinary one
 * (RFC 9110 §7.8), body and all, and owns the connection again with its timeouts. The app sees the Upgrade field as it
 * was sent. Returns false, with nothing done, where node:http looks different from what is known of it.
 *
 * The server parses the request once more, under a name in place of `Upgrade`: its parser would stop at the message's end
 * otherwise. From Node 26 on it hands a request out before its body has come, and is still parsing; there it only needs
 * to be told.
 */
export function giveBack(server: Server, { request, stream, head }: UntouchedUpgrade, links: readonly Link[]): boolean {
  const socket = request.socket as HttpSocket
  if (stream !== socket) return goOnWith(request, socket, stream, links)
  if (typeof connectionListener !== 'function' || socket.parser) return false
  const fields = [...request.rawHeaders]
  // The time of a connection that waits for its next request may still run.
  socket.setTimeout?.(server.timeout)
  const bytes = Buffer.concat([encodeHead(request), bodyOf(request), head])
  connectionListener.call(server, socket)
  const parser = socket.parser as Parser | null | undefined
  const onIncoming = parser?.onIncoming
  if (parser && onIncoming) {
    parser.onIncoming = (again, keepsAlive) => {
      parser.onIncoming = onIncoming
      // Its headers are read from these when they are asked for.
      again.rawHeaders.splice(0, again.rawHeaders.length, ...fields)
      return onIncoming(again, keepsAlive)
    }
  }
  // Not by `unshift`: the peer may have ended its side while the request waited for its turn.
  socket.emit('data', bytes)
  if (socket.readableEnded) socket.emit('end')
  return true
}

/** The request's body is still being parsed: has the parser's owner take it for an ordinary request. */
function goOnWith(request: IncomingMessage, socket: HttpSocket, stream: Duplex, links: readonly Link[]): boolean {
  const onIncoming = socket.parser?.onIncoming
  if (!onIncoming) return false
  for (const [event, listener] of links) socket.off(event, listener)
  for (const key of Object.getOwnPropertySymbols(socket)) {
    const slots = socket as unknown as Record<symbol, unknown>
    // Where the server keeps the stream that it gave out, for when the body has come.
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

/** What node:http has parsed of the body already, as it does from Node 26 on, framed as it was. */
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

/** Whether node:http parses the body of an upgrade, as it does from Node 26 on, or leaves it to whoever takes the stream. */
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
