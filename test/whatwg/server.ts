import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket as TcpSocket } from 'node:net'
import { type ServerSocket, serve } from 'twoway/server'
import { readFrame } from 'twoway-testing/read-frame.js'
import type { Environment, Recorded } from './rule.js'

/** The servers that the rules need, on free ports of this machine. */
export interface Servers extends Pick<Environment, 'url' | 'rawUrl' | 'deafUrl'> {
  close(): Promise<void>
}

export async function startServers(): Promise<Servers> {
  const scripted = await startScripted()
  const raw = await startRaw()
  return {
    url: scripted.url,
    rawUrl: raw.url,
    deafUrl: await freeUrl(),
    async close() {
      await Promise.all([scripted.close(), raw.close()])
    },
  }
}

interface Data {
  readonly path: string
  readonly query: URLSearchParams
  readonly messages: string[]
}

/**
 * Our own server. A path says what a connection is for:
 *
 * - `/echo` sends each message back;
 * - `/send?text=a&text=b&hex=00ff&code=4000&reason=bye` sends these at once, and closes where there is a code (0: none);
 * - `/closer` closes when a message comes, with the code and reason that it names as `code reason`;
 * - `/drop` drops the connection as soon as it is open, `/dropper` when a message comes;
 * - `/refuse?status=403` refuses the handshake, `/never` never answers it;
 * - `/stall?id=x` reads nothing until somebody has connected to `/unstall?id=x`, which drops it with `&drop=1`;
 * - `/record?id=x` keeps what it sees of the connection, for `/recorded?id=x`.
 *
 * The first subprotocol that is offered is chosen, or that of `choose`.
 */
async function startScripted(): Promise<{ url: string; close(): Promise<void> }> {
  const stalled = new Map<string, ServerSocket<Data>>()
  const records = new Map<string, Recorded>()
  const waiting = new Map<string, (recorded: Recorded) => void>()
  const server = await serve<Data>({
    port: 0,
    origin: 'any',
    closeTimeoutMs: 1000,
    maxMessageBytes: 32 << 20,
    upgrade({ url, protocols }) {
      const { pathname: path, searchParams: query } = new URL(url)
      if (path === '/refuse') return { status: Number(query.get('status')) }
      if (path === '/never') return new Promise(() => {})
      const protocol = query.get('choose') ?? protocols[0]
      return { data: { path, query, messages: [] }, protocol }
    },
    open(socket) {
      const { path, query } = socket.data
      const id = query.get('id') ?? ''
      if (path === '/send') {
        for (const [name, value] of query) {
          if (name === 'text') socket.send(value)
          if (name === 'hex') socket.send(Buffer.from(value, 'hex'))
        }
        const code = query.get('code')
        if (code !== null) socket.close(code === '0' ? undefined : Number(code), query.get('reason') ?? '')
      } else if (path === '/drop') {
        socket.terminate()
      } else if (path === '/stall') {
        socket.pause()
        stalled.set(id, socket)
      } else if (path === '/unstall') {
        if (query.has('drop')) stalled.get(id)?.terminate()
        else stalled.get(id)?.resume()
      } else if (path === '/recorded') {
        const tell = (recorded: Recorded): void => {
          socket.send(JSON.stringify(recorded))
        }
        const recorded = records.get(id)
        if (recorded === undefined) waiting.set(id, tell)
        else tell(recorded)
      }
    },
    message(socket, message) {
      const { path, messages } = socket.data
      if (path === '/echo') socket.send(message)
      if (path === '/record') messages.push(typeof message === 'string' ? message : `hex:${hexOf(message)}`)
      if (path === '/dropper') socket.terminate()
      if (path !== '/closer' || typeof message !== 'string') return
      const [code, ...reason] = message.split(' ')
      socket.close(code === '0' ? undefined : Number(code), reason.join(' '))
    },
    close(socket, { code, reason, wasClean }) {
      const { path, query, messages } = socket.data
      if (path !== '/record') return
      const id = query.get('id') ?? ''
      const recorded = { messages, headers: Object.fromEntries(socket.request.headers), code, reason, wasClean }
      records.set(id, recorded)
      waiting.get(id)?.(recorded)
    },
    error() {},
  })
  return server
}

/**
 * A server that sends any given bytes. `/bytes` accepts the handshake, sends `hex` in one write, and
 * then ends its side (`then=end`), drops the connection (`then=drop`) or stays; `joined=1` sends head and bytes in one
 * write. The head of its answer can be spoilt: `omit` leaves out a field, `Field=value` sets or adds one, `status` is
 * another status. It answers a Close with the same, and ends.
 */
async function startRaw(): Promise<{ url: string; close(): Promise<void> }> {
  const sockets = new Set<TcpSocket>()
  const server = createServer()
  server.on('upgrade', (request, stream) => {
    const socket = stream as TcpSocket
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    answerRaw(request, socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: urlOf(server.address()),
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function answerRaw(request: IncomingMessage, socket: TcpSocket): void {
  const { searchParams: query } = new URL(request.url!, 'http://localhost')
  const { hex = '', then, joined, omit, status = '101', ...given } = Object.fromEntries(query)
  const key = request.headers['sec-websocket-key']
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const fields = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Accept': accept, ...given }
  const lines = Object.entries(fields).flatMap(([name, value]) => (name === omit ? [] : `${name}: ${value}\r\n`))
  const head = Buffer.from(`HTTP/1.1 ${status} Whatever\r\n${lines.join('')}\r\n`)
  const bytes = Buffer.from(hex, 'hex')
  const finish = (): void => {
    if (then === 'end') socket.end()
    if (then === 'drop') socket.destroy()
  }
  socket.setNoDelay(true)
  if (status !== '101') {
    socket.end(head)
    return
  }
  if (joined === undefined) {
    socket.write(head)
    // Long enough for the head to be read on its own; a rule must not depend on it.
    setTimeout(() => socket.write(bytes, finish), 20)
  } else {
    socket.write(Buffer.concat([head, bytes]), finish)
  }
  let received = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    const close = takeClose(received)
    if (close !== undefined) socket.end(Buffer.concat([Buffer.from([0x88, close.length]), close]))
  })
  socket.on('end', () => socket.end())
}

/** The payload of the first Close among a client's frames. */
function takeClose(bytes: Buffer): Buffer | undefined {
  for (let frame = readFrame(bytes); frame !== undefined; frame = readFrame(bytes, frame.end)) {
    if (frame.opcode === 8) return frame.payload
  }
  return undefined
}

/** Of a port that was free a moment ago. */
async function freeUrl(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = urlOf(server.address())
  await new Promise((resolve) => server.close(resolve))
  return url
}

function urlOf(address: AddressInfo | string | null): string {
  return `ws://127.0.0.1:${(address as AddressInfo).port}`
}

function hexOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('hex')
}
