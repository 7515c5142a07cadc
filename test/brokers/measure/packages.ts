import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { NodeRedisLike } from '@twoway/redis'
import { installPackages } from '../../runtimes/install-packages.js'

const folder = fileURLToPath(new URL('../../../../.scratch/measure-brokers/', import.meta.url))

export const load = createRequire(join(folder, 'package.json'))

export function fetchPackages(): void {
  installPackages(folder, {
    '@redis/client': '5.9.0',
    '@socket.io/redis-streams-adapter': '0.3.1',
    'socket.io': '4.8.4',
    'socket.io-client': '4.8.4',
  })
}

/** A connected client of @redis/client. */
export async function nodeRedis(port: number): Promise<NodeRedisLike> {
  const { createClient } = load('@redis/client') as { readonly createClient: (options: object) => NodeRedisLike }
  const client = createClient({ url: `redis://127.0.0.1:${port}` })
  client.on('error', () => undefined)
  await client.connect()
  return client
}
