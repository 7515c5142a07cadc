import type { ClientLoad, Content, Load } from './load/load.js'

/** A kind of work at which all contenders are measured. */
export interface Row {
  readonly id: string
  readonly title: string
  /** The unit that a cost refers to. */
  readonly per: 'message' | 'delivery' | 'handshake' | 'connection'
  readonly load: Load
  readonly tls?: boolean
  /**
   * One program for all that have the API of ws, or Socket.IO's own server on each of them. Without it, each contender runs a
   * program for its own API.
   */
  readonly api?: 'ws' | 'socket.io'
  /** The goal by the rival's id: our cost as the largest acceptable share of the rival's. */
  readonly aims?: { readonly [rival: string]: number }
}

const kib = 1 << 10
const mib = 1 << 20

function echo(content: Content, bytes: number, connections: number, inFlight: number, fragments = 1): Load {
  return { kind: 'echo', content, bytes, connections, inFlight, fragments }
}

function client(
  kind: ClientLoad['kind'],
  content: Content,
  bytes: number,
  batch: number,
  takesBy: ClientLoad['takesBy'] = 'onmessage',
): Load {
  return { kind, content, bytes, connections: 10, batch, takesBy }
}

export const rows: readonly Row[] = [
  {
    id: 'small',
    title: '20 B binary, 1 in flight',
    per: 'message',
    load: echo('binary', 20, 50, 1),
    aims: { 'ws-bufferutil': 0.6, bun: 1 },
  },
  {
    id: 'small-16',
    title: '20 B binary, 16 in flight',
    per: 'message',
    load: echo('binary', 20, 50, 16),
    aims: { 'ws-bufferutil': 0.08, bun: 1 },
  },
  {
    id: 'text-1k',
    title: '1 KiB text',
    per: 'message',
    load: echo('ascii', kib, 50, 1),
    aims: { 'ws-bufferutil': 0.6, bun: 1.1 },
  },
  {
    id: 'unicode-1k',
    title: '1 KiB text, Chinese and emoji',
    per: 'message',
    load: echo('unicode', kib, 50, 1),
  },
  {
    id: 'binary-16k',
    title: '16 KiB binary',
    per: 'message',
    load: echo('binary', 16 * kib, 50, 1),
  },
  {
    id: 'binary-64k',
    title: '64 KiB binary, 4 in flight',
    per: 'message',
    load: echo('binary', 64 * kib, 10, 4),
    aims: { 'ws-bufferutil': 0.5, bun: 0.9 },
  },
  {
    id: 'binary-1m',
    title: '1 MiB binary, 2 in flight',
    per: 'message',
    load: echo('binary', mib, 4, 2),
    aims: { 'ws-bufferutil': 0.6, bun: 0.85 },
  },
  {
    id: 'text-1m',
    title: '1 MiB text, 2 in flight',
    per: 'message',
    load: echo('ascii', mib, 4, 2),
    aims: { 'ws-bufferutil': 1, bun: 1 },
  },
  {
    id: 'fragments',
    title: '16 KiB binary in 16 fragments',
    per: 'message',
    load: echo('binary', 16 * kib, 50, 1, 16),
  },
  {
    id: 'broadcast',
    title: 'broadcast of 128 B to 500',
    per: 'delivery',
    load: { kind: 'broadcast', by: 'broadcast', bytes: 128, connections: 500 },
    aims: { 'ws-bufferutil': 0.6, bun: 1 },
  },
  {
    id: 'publish',
    title: 'publish of 128 B to 500 subscribers; rooms of Socket.IO',
    per: 'delivery',
    load: { kind: 'broadcast', by: 'publish', bytes: 128, connections: 500 },
    aims: { bun: 1.1 },
  },
  {
    id: 'links',
    title: 'publish of 128 B to 500 links of a hub, stored; rooms of Socket.IO',
    per: 'delivery',
    load: { kind: 'room', does: 'publish', bytes: 128, connections: 500 },
    aims: { 'socket.io': 0.6 },
  },
  {
    id: 'requests',
    title: 'requests of 128 B with an answer, over a link; emits of Socket.IO with an acknowledgement',
    per: 'message',
    load: { kind: 'room', does: 'request', bytes: 128, connections: 50 },
  },
  {
    id: 'link-receives',
    title: 'a link receives 128 B messages of a topic; the clients of Socket.IO and Centrifugo',
    per: 'message',
    load: { kind: 'topicReceives', bytes: 128, connections: 10, batch: 16 },
  },
  {
    id: 'handshake',
    title: 'opening handshake',
    per: 'handshake',
    load: { kind: 'handshake', connections: 32 },
    aims: { 'ws-bufferutil': 0.5, bun: 1.5 },
  },
  {
    id: 'idle',
    title: 'memory, 10,000 idle connections',
    per: 'connection',
    load: { kind: 'idle', connections: 10_000 },
    aims: { 'ws-bufferutil': 0.9 },
  },
  {
    id: 'tls-1k',
    title: '1 KiB text over TLS',
    per: 'message',
    load: echo('ascii', kib, 50, 1),
    tls: true,
    aims: { 'ws-bufferutil': 0.8, bun: 1.2 },
  },
  {
    id: 'tls-64k',
    title: '64 KiB binary over TLS, 4 in flight',
    per: 'message',
    load: echo('binary', 64 * kib, 10, 4),
    tls: true,
  },
  {
    id: 'tls-idle',
    title: 'memory, 8,000 idle connections over TLS',
    per: 'connection',
    load: { kind: 'idle', connections: 8000 },
    tls: true,
  },
  {
    id: 'deflate',
    title: '306 B of JSON compressed, 1 in flight',
    per: 'message',
    load: { kind: 'echo', content: 'json', bytes: 306, connections: 50, inFlight: 1, compressed: true },
  },
  {
    id: 'deflate-16',
    title: '306 B of JSON compressed, 16 in flight',
    per: 'message',
    load: { kind: 'echo', content: 'json', bytes: 306, connections: 50, inFlight: 16, compressed: true },
  },
  {
    id: 'client-sends-1k',
    title: 'client sends 1 KiB text',
    per: 'message',
    load: client('clientSends', 'ascii', kib, 16),
  },
  {
    id: 'client-receives-1k',
    title: 'client receives 1 KiB text by onmessage',
    per: 'message',
    load: client('clientReceives', 'ascii', kib, 16),
    aims: { 'ws-bufferutil': 0.9, bun: 1.3 },
  },
  {
    id: 'client-receives-1k-listener',
    title: 'client receives 1 KiB text by a listener',
    per: 'message',
    load: client('clientReceives', 'ascii', kib, 16, 'listener'),
    aims: { 'ws-bufferutil': 0.9, bun: 1.3 },
  },
  {
    id: 'client-sends-64k',
    title: 'client sends 64 KiB binary',
    per: 'message',
    load: client('clientSends', 'binary', 64 * kib, 4),
  },
  {
    id: 'client-receives-64k',
    title: 'client receives 64 KiB binary',
    per: 'message',
    load: client('clientReceives', 'binary', 64 * kib, 4),
    aims: { bun: 1 },
  },
  {
    id: 'tls-client-sends-1k',
    title: 'client sends 1 KiB text over TLS',
    per: 'message',
    load: client('clientSends', 'ascii', kib, 16),
    tls: true,
  },
  {
    id: 'tls-client-receives-1k',
    title: 'client receives 1 KiB text over TLS',
    per: 'message',
    load: client('clientReceives', 'ascii', kib, 16),
    tls: true,
  },
  {
    id: 'ws-small',
    title: 'API of ws: 20 B binary, 1 in flight',
    per: 'message',
    api: 'ws',
    load: echo('binary', 20, 50, 1),
    aims: { 'ws-bufferutil': 0.85 },
  },
  {
    id: 'ws-small-16',
    title: 'API of ws: 20 B binary, 16 in flight',
    per: 'message',
    api: 'ws',
    load: echo('binary', 20, 50, 16),
    aims: { 'ws-bufferutil': 0.2 },
  },
  {
    id: 'ws-text-1k',
    title: 'API of ws: 1 KiB text',
    per: 'message',
    api: 'ws',
    load: echo('ascii', kib, 50, 1),
    aims: { 'ws-bufferutil': 0.85 },
  },
  {
    id: 'ws-binary-64k',
    title: 'API of ws: 64 KiB binary, 4 in flight',
    per: 'message',
    api: 'ws',
    load: echo('binary', 64 * kib, 10, 4),
    aims: { 'ws-bufferutil': 0.65 },
  },
  {
    id: 'ws-binary-1m',
    title: 'API of ws: 1 MiB binary, 2 in flight',
    per: 'message',
    api: 'ws',
    load: echo('binary', mib, 4, 2),
    aims: { 'ws-bufferutil': 0.6 },
  },
  {
    id: 'ws-broadcast',
    title: 'API of ws: 128 B to 500 by a loop over `clients`',
    per: 'delivery',
    api: 'ws',
    load: { kind: 'broadcast', by: 'broadcast', bytes: 128, connections: 500 },
  },
  {
    id: 'ws-deflate',
    title: 'API of ws: 306 B of JSON compressed, 1 in flight',
    per: 'message',
    api: 'ws',
    load: { kind: 'echo', content: 'json', bytes: 306, connections: 50, inFlight: 1, compressed: true },
    aims: { 'ws-bufferutil': 0.35 },
  },
  {
    id: 'ws-handshake',
    title: 'API of ws: opening handshake',
    per: 'handshake',
    api: 'ws',
    load: { kind: 'handshake', connections: 32 },
  },
  {
    id: 'ws-idle',
    title: 'API of ws: memory, 10,000 idle connections',
    per: 'connection',
    api: 'ws',
    load: { kind: 'idle', connections: 10_000 },
    aims: { 'ws-bufferutil': 0.8 },
  },
  {
    id: 'io-echo',
    title: 'Socket.IO: a message of 128 B that comes back',
    per: 'message',
    api: 'socket.io',
    load: { kind: 'room', does: 'request', bytes: 128, connections: 50 },
    aims: { 'ws-bufferutil': 0.9 },
  },
  {
    id: 'io-room',
    title: 'Socket.IO: 128 B to a room of 500',
    per: 'delivery',
    api: 'socket.io',
    load: { kind: 'room', does: 'publish', bytes: 128, connections: 500 },
  },
]

export function isClientRow({ load }: Row): boolean {
  return ['clientReceives', 'clientSends', 'topicReceives'].includes(load.kind)
}
