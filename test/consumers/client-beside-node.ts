// Code that must compile with Node's types and without the DOM's: Node's WebSocket and ours are assignable to each other.

import { lookup } from 'node:dns'
import { Agent } from 'node:http'
import type { LookupFunction } from 'node:net'
import { createConnection } from 'node:net'
import { type ConnectionOptions, checkServerIdentity, connect, type PeerCertificate } from 'node:tls'
import { CloseEvent, ErrorEvent, type HeaderFields, WebSocket, type WebSocketOptions, WebSocketStream } from 'twoway'

declare const log: (...values: unknown[]) => void

type NodeConstructor = typeof globalThis.WebSocket
type NodeWebSocket = InstanceType<NodeConstructor>

export const asTheirs = (ours: WebSocket): NodeWebSocket => ours
export const theirConstructor: NodeConstructor = WebSocket
export const global: { WebSocket: NodeConstructor } = { WebSocket }

export function listen(ws: WebSocket): void {
  const theirs: NodeWebSocket = ws
  theirs.onerror = (event) => log(event.message, event.error)
  theirs.onclose = (event) => log(event.code)
  ws.onerror = (event) => log(event.message, event.error)
  ws.onopen = ({ headers }) => log(headers?.getSetCookie(), headers?.get('x-request-id'))
  ws.addEventListener('open', ({ headers }) => {
    const fields: HeaderFields | undefined = headers
    log(fields)
  })
  ws.addEventListener('error', (event) => log(event instanceof ErrorEvent, event instanceof CloseEvent))
}

declare const caller: LookupFunction

/** Options that accept Node's own functions and objects. */
export const options: readonly WebSocketOptions[] = [
  { checkServerIdentity },
  { checkServerIdentity: (host: string, certificate: PeerCertificate) => checkServerIdentity(host, certificate) },
  { lookup, family: 4, localAddress: '127.0.0.1', localPort: 5000 },
  { lookup: caller },
  { lookup: (_name, _options, done) => done(null, '127.0.0.1', 4) },
  { createConnection },
  { createConnection: (all) => connect(all as ConnectionOptions) },
  { createConnection: ({ host, port }) => createConnection(port, host) },
  { createConnection: async ({ host, port }) => createConnection(port, host) },
  {
    createConnection: ({ host, port }, done) => {
      const socket = createConnection(port, host, () => done(null, socket))
    },
  },
  {
    createConnection: (all, done) =>
      new Agent().createConnection(all as never, done as never) as ReturnType<typeof createConnection>,
  },
  { pfx: Buffer.from('a'), passphrase: 'b', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', ciphers: 'DEFAULT' },
  { key: [{ pem: 'PEM', passphrase: 'b' }], cert: ['PEM'] },
  { headers: new Headers({ a: 'b' }), userAgent: 'mine/1' },
  { maxHeadBytes: 1000, maxHeaderFields: 10, maxRefusalBodyBytes: 0, refusalBodyTimeoutMs: 10 },
  // @ts-expect-error there is no such version
  { minVersion: 'TLSv1.4' },
  // @ts-expect-error a number is no function
  { lookup: 5 },
]

export async function fields(): Promise<string[] | undefined> {
  const { headers } = await new WebSocketStream('wss://localhost', { headers: new Headers() }).opened
  return headers?.getSetCookie()
}
