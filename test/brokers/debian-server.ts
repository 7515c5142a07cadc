import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { installFromDebian } from '../debian-packages.js'

/** Installs Debian's package of a server if its program is missing. */
export function fetchServer(program: string): void {
  if (spawnSync(program, ['--version']).status === 0) return
  installFromDebian([program], `there is no ${program}`)
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  server.close()
  await once(server, 'close')
  // The system may offer the same port again before its server listens.
  if (given.has(port)) return freePort()
  given.add(port)
  return port
}

const given = new Set<number>()
