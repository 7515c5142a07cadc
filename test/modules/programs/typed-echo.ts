import { HandshakeError, UsageError, WebSocket } from 'twoway'
import { MemoryNetwork } from 'twoway/memory'
import { prometheus } from 'twoway/metrics'
import { type Server, UsageError as ServersUsageError, serve } from 'twoway/server'
import { toDuplex, type WebStreams } from 'twoway/streams'
import { serveWorkers, type Workers } from 'twoway/workers'

export interface Started {
  readonly server: Server<{ readonly user: string }>
  readonly streams?: WebStreams
  readonly workers?: Workers
}

/** Resolves to `message`, sent by a client through a server. */
export async function echo(message: string): Promise<string> {
  const server = await serve({
    port: 0,
    upgrade: () => ({ data: { user: 'Ann' } }),
    message(socket, text) {
      const { user }: { readonly user: string } = socket.data
      if (user === 'Ann') socket.send(text)
    },
  })
  const started: Started = { server }
  const socket: WebSocket = new WebSocket(server.url)
  const text = await new Promise<string>((resolve, reject) => {
    socket.onopen = () => socket.send(message)
    socket.onmessage = ({ data }) => resolve(String(data))
    socket.onerror = () => reject(new Error('The connection failed.'))
  })
  socket.close()
  await started.server.close()
  const others = [HandshakeError, MemoryNetwork, prometheus, toDuplex, serveWorkers]
  if (others.some((each) => typeof each !== 'function')) throw new Error('A name has no value.')
  if (UsageError !== ServersUsageError) throw new Error('The library was loaded twice.')
  return text
}
