import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { generate } from 'selfsigned'
import { type AttachOptions, attach } from 'twoway/server'

// Runs with a low limit of descriptors: an app with attachments, on http and https. Prints its ports, and the number of open
// descriptors for each line of input.

const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
  algorithm: 'sha256',
  keyType: 'ec',
})
const long = Buffer.alloc(6 << 20, 'x')

const times = { handshakeTimeoutMs: 1000, closeTimeoutMs: 1000 }
const attachments: readonly AttachOptions<undefined>[] = [
  { ...times, path: '/ours', maxHeaderFields: 20 },
  { ...times, path: '/full', maxConnections: 1, upgrade: () => new Promise(() => {}) },
  // On a busy machine, peers take more than five seconds to receive the beginning of so long an answer.
  {
    handshakeTimeoutMs: 15_000,
    closeTimeoutMs: 15_000,
    path: '/refused',
    upgrade: () => new Response(long, { status: 403 }),
  },
  { ...times, path: '/undecided', upgrade: () => new Promise(() => {}) },
]

const app = ({ url }: IncomingMessage, response: ServerResponse): void => {
  response.end(url === '/long' ? long : 'the app')
}

const ports: number[] = []
for (const server of [createServer(options(), app), createTlsServer({ ...options(), cert, key }, app)]) {
  for (const each of attachments) attach(server, each)
  // As above: the app has a long answer too.
  server.timeout = 15_000
  server.keepAliveTimeout = 300
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ports.push((server.address() as AddressInfo).port)
}

/** Short forms of node:http's own times. */
function options() {
  return { headersTimeout: 15_000, requestTimeout: 15_000, connectionsCheckingInterval: 100 }
}

createInterface({ input: process.stdin })
  .on('line', () => console.log(readdirSync('/proc/self/fd').length))
  .on('close', () => process.exit())
console.log(JSON.stringify(ports))
