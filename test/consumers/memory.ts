// Code that must compile without the types of any platform, even those of `await using`.

import { MemoryNetwork } from 'twoway/memory'

export async function echo(): Promise<number> {
  const server = await new MemoryNetwork().serve({
    port: 80,
    upgrade: ({ signal }) => (signal.aborted ? { status: 503 } : undefined),
    message: (socket, message) => socket.send(message),
  })
  const { closes } = server.metrics()
  await server.close()
  return closes[1000] ?? 0
}
