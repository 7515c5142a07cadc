import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { TlsOptions } from 'node:tls'
import { type LoopbackServer, listenOnLoopback, readHead } from './loopback.js'

export interface ProxyServer extends LoopbackServer {
  /** The requested targets as `host:port`. */
  readonly targets: readonly string[]
  /** The heads of the requests to an HTTP proxy. */
  readonly heads: readonly string[]
}

export interface ProxyOptions {
  readonly tls?: TlsOptions
  /** `user:password`, if the proxy requires credentials. */
  readonly credentials?: string
  /** The bytes of the proxy's answer in place of the tunnel, for example a refusal. */
  readonly answer?: string | Buffer
  /** Sends each byte of an answer in its own segment. */
  readonly isSlow?: boolean
  /** Bytes of the server that arrive in one segment with the answer that opens the tunnel. */
  readonly firstBytes?: Buffer
  /** Further lines of the head of its answer. */
  readonly fields?: readonly string[]
  /** Names that the proxy resolves, in addition to those of the system. */
  readonly names?: Readonly<Record<string, string>>
}

/** An HTTP proxy that supports CONNECT. */
export function httpProxy(context: TestContext, options: ProxyOptions = {}): Promise<ProxyServer> {
  return proxyServer(context, options, async (socket, { heads, join }) => {
    const head = await readHead(socket)
    heads.push(head)
    if (options.credentials !== undefined) {
      const wanted = `Basic ${Buffer.from(options.credentials).toString('base64')}`
      if (!head.includes(`\r\nProxy-Authorization: ${wanted}\r\n`)) {
        socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n')
        return
      }
    }
    const [, host, port] = /^CONNECT \[?(.*?)\]?:(\d+) HTTP\/1\.1\r\n/.exec(head)!
    const lines = ['HTTP/1.1 200 Connection established', ...(options.fields ?? []), '', '']
    await join(host!, Number(port), Buffer.from(lines.join('\r\n')))
  })
}

/** A SOCKS5 proxy, written from RFC 1928 and RFC 1929. It shares no code with the library. */
export function socksProxy(context: TestContext, options: ProxyOptions = {}): Promise<ProxyServer> {
  return proxyServer(context, options, async (socket, { join, say }) => {
    const [version, count] = await read(socket, 2)
    const methods = await read(socket, count!)
    const method = options.credentials === undefined ? 0 : 2
    if (version !== 5 || !methods.includes(method)) {
      socket.end(Buffer.from([5, 0xff]))
      return
    }
    await say(Buffer.from([5, method]))
    if (method === 2) {
      await read(socket, 1)
      const user = await read(socket, (await read(socket, 1))[0]!)
      const password = await read(socket, (await read(socket, 1))[0]!)
      const isRight = `${user}:${password}` === options.credentials
      await say(Buffer.from([1, isRight ? 0 : 1]))
      if (!isRight) return
    }
    const [, , , type] = await read(socket, 4)
    const bytes = await read(socket, type === 1 ? 4 : type === 4 ? 16 : (await read(socket, 1))[0]!)
    const host = type === 3 ? bytes.toString() : type === 1 ? bytes.join('.') : `ipv6 ${bytes.toString('hex')}`
    const port = (await read(socket, 2)).readUInt16BE()
    await join(host, port, Buffer.from([5, 0, 0, 3, 2, 0x61, 0x62, 0, 80]))
  })
}

interface ProxySide {
  readonly heads: string[]
  say(bytes: Buffer): Promise<void>
  join(host: string, port: number, answer: Buffer): Promise<void>
}

async function proxyServer(
  context: TestContext,
  { tls, answer, isSlow = false, firstBytes = Buffer.alloc(0), names = {} }: ProxyOptions,
  speak: (socket: Socket, side: ProxySide) => Promise<void>,
): Promise<ProxyServer> {
  const targets: string[] = []
  const heads: string[] = []
  const onSocket = (socket: Socket): void => {
    socket.setNoDelay(true)
    const say = async (bytes: Buffer): Promise<void> => {
      for (const piece of isSlow ? Array.from(bytes, (byte) => Buffer.from([byte])) : [bytes]) {
        await new Promise((resolve) => socket.write(piece, resolve))
        if (isSlow) await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    const join = async (host: string, port: number, opened: Buffer): Promise<void> => {
      targets.push(`${host}:${port}`)
      if (answer !== undefined) {
        socket.write(answer)
        return
      }
      const server = connect({ host: names[host] ?? host, port, noDelay: true, allowHalfOpen: true })
      server.on('error', () => socket.destroy())
      context.after(() => server.destroy())
      await say(Buffer.concat([opened, firstBytes]))
      socket.allowHalfOpen = true
      server.pipe(socket).pipe(server)
      // A proxy also passes on an end without a FIN.
      socket.on('close', () => server.destroy())
      server.on('close', () => socket.destroy())
    }
    speak(socket, { heads, say, join }).catch(() => socket.destroy())
  }
  const listening = await listenOnLoopback(context, onSocket, tls)
  return { ...listening, targets, heads }
}

async function read(socket: Socket, length: number): Promise<Buffer> {
  for (;;) {
    const bytes: Buffer | null = length === 0 ? Buffer.alloc(0) : socket.read(length)
    if (bytes !== null) return bytes
    if (socket.destroyed || socket.readableEnded) throw new Error('the client went away')
    await new Promise((resolve) => socket.once('readable', resolve))
  }
}
