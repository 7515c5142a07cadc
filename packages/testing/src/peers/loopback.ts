import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'

export interface LoopbackServer {
  readonly port: number
  readonly server: Server
  /** The connections accepted so far. */
  readonly sockets: readonly Socket[]
}

/** Listens on 127.0.0.1, with TLS if options for it are given, until the test is over. */
export async function listenOnLoopback(
  context: TestContext,
  onSocket: (socket: Socket) => void,
  tls?: TlsOptions,
): Promise<LoopbackServer> {
  const sockets: Socket[] = []
  const take = (socket: Socket): void => {
    sockets.push(socket)
    socket.on('error', () => {})
    onSocket(socket)
  }
  const server = tls === undefined ? createServer(take) : createTlsServer(tls, take)
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, server, sockets }
}

/** Resolves with the head of a request as Latin-1; the bytes after it stay in the socket. */
export async function readHead(socket: Socket): Promise<string> {
  let text = ''
  return new Promise((resolve, reject) => {
    const onData = (bytes: Buffer): void => {
      text += bytes.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      socket.off('data', onData)
      socket.pause()
      if (text.length > end + 4) socket.unshift(Buffer.from(text.slice(end + 4), 'latin1'))
      resolve(text.slice(0, end + 4))
    }
    socket.on('data', onData)
    socket.once('close', () => reject(new Error(`closed within the head: ${text}`)))
  })
}
