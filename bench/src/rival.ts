import type { ClientOrder } from './clients/client.js'
import type { TopicClientOrder } from './clients/topic-client.js'
import type { DialectName, RoomDialect } from './load/dialect.js'
import type { WsModule } from './servers/server-order.js'

/** A library or runtime that is measured: ours, or one that it is compared with. */
export interface Rival {
  readonly id: string
  readonly name: string
  readonly runsOn: 'Node' | 'Bun' | 'Deno'
  /** The name of its server in `servers`, if it has one. */
  readonly server?: string
  /** The server with its own protocol for rooms, if it has one. */
  readonly rooms?: { readonly server: string; readonly dialect: RoomDialect }
  /** Whether its server can compress. */
  readonly compresses?: true
  /** The module with the API of ws that it provides, if it has one. */
  readonly wsApi?: WsModule
  readonly client?: ClientOrder['client']
  /** The client of topics with its own protocol, if it has one. */
  readonly topics?: { readonly client: TopicClientOrder['client']; readonly dialect: DialectName }
  /** Whether npm provides it. */
  readonly isPackage?: true
  /** The first version of Node that includes it. */
  readonly since?: number
  readonly env?: Readonly<Record<string, string>>
  /** The folder of its package `twoway`, for a Twoway other than that of this checkout. */
  readonly packageFolder?: string
}

/** Whether it is Twoway, on any runtime. */
export function isOurs({ id }: Rival): boolean {
  return id.startsWith('twoway')
}

/** The Twoway of another checkout, or of a release. The ratio to it is the cost of a change. */
export function earlierTwoway(packageFolder: string): Rival {
  return {
    id: 'before',
    name: 'Twoway before',
    runsOn: 'Node',
    server: 'twoway',
    compresses: true,
    client: 'twoway',
    packageFolder,
  }
}

export const rivals: readonly Rival[] = [
  {
    id: 'twoway',
    name: 'Twoway',
    runsOn: 'Node',
    server: 'twoway',
    rooms: { server: 'hub', dialect: 'hub' },
    compresses: true,
    client: 'twoway',
    topics: { client: 'link', dialect: 'hub' },
  },
  { id: 'twoway-ws', name: '@twoway/ws', runsOn: 'Node', wsApi: '@twoway/ws', compresses: true },
  {
    id: 'ws-bufferutil',
    name: 'ws + bufferutil',
    runsOn: 'Node',
    server: 'ws',
    wsApi: 'ws',
    compresses: true,
    client: 'ws',
    isPackage: true,
  },
  {
    id: 'ws',
    name: 'ws',
    runsOn: 'Node',
    server: 'ws',
    wsApi: 'ws',
    compresses: true,
    client: 'ws',
    isPackage: true,
    env: { WS_NO_BUFFER_UTIL: '1' },
  },
  {
    id: 'socket.io',
    name: 'Socket.IO',
    runsOn: 'Node',
    rooms: { server: 'socket-io', dialect: 'socket.io' },
    topics: { client: 'socket.io', dialect: 'socket.io' },
    isPackage: true,
  },
  {
    id: 'centrifuge',
    name: 'Centrifuge',
    runsOn: 'Node',
    topics: { client: 'centrifuge', dialect: 'centrifuge' },
    isPackage: true,
  },
  { id: 'undici', name: 'undici', runsOn: 'Node', client: 'undici', isPackage: true },
  { id: 'node', name: "Node's own", runsOn: 'Node', client: 'own', since: 22 },
  { id: 'twoway-bun', name: 'Twoway', runsOn: 'Bun', server: 'twoway', client: 'twoway' },
  { id: 'bun', name: 'Bun', runsOn: 'Bun', server: 'bun', compresses: true, client: 'own' },
  { id: 'bun-ws', name: "Bun's ws", runsOn: 'Bun', wsApi: 'ws', isPackage: true },
  { id: 'twoway-deno', name: 'Twoway', runsOn: 'Deno', server: 'twoway', client: 'twoway' },
  { id: 'deno', name: 'Deno', runsOn: 'Deno', server: 'deno', client: 'own' },
]
