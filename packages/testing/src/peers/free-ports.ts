import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * The ports to choose from. Systems give those from 32,768 (Linux) or 49,152 (others) on to outgoing connections, which could
 * take a port before its server listens, or while it is started again. Chromium refuses some of the ports below 20,000.
 */
const [first, end] = [20_000, 32_768]

/** A server may listen later than the next port is asked for. */
const given = new Set<number>()

/** Ports for programs that must know them before they listen. Returns the first of `count` free ports in a row. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const start = first + Math.floor(Math.random() * (end - first - count))
    const ports = Array.from({ length: count }, (_, index) => start + index)
    const areFree = await Promise.all(ports.map(isFree))
    if (areFree.includes(false) || ports.some((port) => given.has(port))) continue
    for (const port of ports) given.add(port)
    return start
  }
}

export async function freePort(): Promise<number> {
  return freePorts(1)
}

/** Whether no server listens on the port, on any address. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port)
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
