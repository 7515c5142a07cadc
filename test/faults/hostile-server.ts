import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** A client's connection as a hostile server sees it. */
export class HostilePeer {
  readonly socket: Socket
  /** The path of the client's request. */
  readonly path: string
  readonly #key: string

  constructor(socket: Socket, head: string) {
    this.socket = socket
    this.path = /^GET (\S+)/.exec(head)?.[1] ?? '/'
    this.#key = /^sec-websocket-key: (.*)$/im.exec(head)?.[1] ?? ''
  }

  /** Accepts the handshake, with further header lines; frames may follow in the same write. */
  accept(lines: readonly string[] = [], frames: Uint8Array = new Uint8Array(0)): void {
    const accept = createHash('sha1').update(`${this.#key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    const fields = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`, ...lines]
    const head = `HTTP/1.1 101 Switching Protocols\r\n${fields.join('\r\n')}\r\n\r\n`
    this.socket.write(Buffer.concat([Buffer.from(head), frames]))
  }

  /** Answers with another status line. */
  answer(statusLine: string, lines: readonly string[] = [], body: string | Uint8Array = ''): void {
    this.socket.write(`HTTP/1.1 ${[statusLine, ...lines].join('\r\n')}\r\n\r\n`)
    if (body.length > 0) this.socket.write(body)
  }

  /** Writes the bytes repeatedly, as fast as the client takes them, until the connection is gone. */
  repeat(bytes: string | Uint8Array): void {
    const write = (): void => {
      while (!this.socket.destroyed && this.socket.write(bytes)) {}
    }
    this.socket.on('drain', write)
    write()
  }

  /** Writes one byte each `everyMs` milliseconds, until the connection is gone. */
  dribble(bytes: string, everyMs: number): void {
    let at = 0
    const timer = setInterval(() => this.socket.write(bytes[at++] ?? 'a'), everyMs)
    this.socket.once('close', () => clearInterval(timer))
  }
}

export type Act = (peer: HostilePeer) => void

/** A server that performs the act named by the first segment of a client's path. */
export class HostileServer {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** The connections of the clients of each act. */
  readonly #served = new Map<string, Socket[]>()

  private constructor(acts: Readonly<Record<string, Act>>) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      let head = ''
      const read = (bytes: Buffer): void => {
        head += bytes.toString('latin1')
        if (!head.includes('\r\n\r\n')) return
        socket.off('data', read)
        const peer = new HostilePeer(socket, head)
        const name = decodeURIComponent(peer.path.split('/')[1]!)
        this.#served.set(name, [...(this.#served.get(name) ?? []), socket])
        socket.resume()
        acts[name]!(peer)
      }
      socket.on('data', read)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  static async listen(acts: Readonly<Record<string, Act>>): Promise<HostileServer> {
    const server = new HostileServer(acts)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  urlOf(act: string): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${encodeURIComponent(act)}`
  }

  /** The number of bytes that the network took for the clients of an act. */
  takenBytes(act: string): number {
    return (this.#served.get(act) ?? []).reduce((sum, socket) => sum + socket.bytesWritten - socket.writableLength, 0)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
