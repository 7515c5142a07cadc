import { serve, type TlsServerOptions } from 'twoway/server'
import { floodMessageBytes, floodMessages } from './flood-size.js'

interface Data {
  readonly path: string
  readonly id: string
}

/**
 * A server for slow clients: `/flood?id=x` sends a flood as fast as the client reads, and `/flooded?id=x` answers each message
 * with the number of messages that have been sent. Any other path echoes.
 */
export function startFloodService(tls?: TlsServerOptions): Promise<{ url: string; close(): Promise<void> }> {
  const message = new Uint8Array(floodMessageBytes)
  const sent = new Map<string, number>()
  return serve<Data>({
    port: 0,
    origin: 'any',
    closeTimeoutMs: 1000,
    ...(tls && { tls }),
    upgrade({ url }) {
      const { pathname, searchParams } = new URL(url)
      return { data: { path: pathname, id: searchParams.get('id') ?? '' } }
    },
    open: (socket) => flood(socket),
    drain: (socket) => flood(socket),
    message(socket, text) {
      const { path, id } = socket.data
      socket.send(path === '/flooded' ? String(sent.get(id) ?? 0) : text)
    },
    error() {},
  })

  function flood(socket: { readonly data: Data; send(message: Uint8Array): string }): void {
    const { path, id } = socket.data
    if (path !== '/flood') return
    let count = sent.get(id) ?? 0
    let result = 'sent'
    for (; count < floodMessages && result === 'sent'; count += 1) result = socket.send(message)
    sent.set(id, count)
  }
}
