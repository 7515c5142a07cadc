import {
  clientTable,
  connectOptions,
  localOptions,
  signalOption,
  tlsOptions,
} from '../../../twoway/dist/client/client-options.js'
import { deflateOptions } from '../../../twoway/dist/core/extensions/permessage-deflate/deflate-options.js'
import {
  clientLimitOptions,
  historyOptions,
  plainLimitOptions,
  serverLimitOptions,
} from '../../../twoway/dist/core/limits.js'
import type { OptionTable } from '../../../twoway/dist/core/options/option.js'
import { hubLimitOptions, hubTable } from '../../../twoway/dist/hub/hub-options.js'
import {
  commonOptions,
  handedOptions,
  listenOptions,
  routeOptions,
} from '../../../twoway/dist/server/server-options.js'
import { attachTable, serveTable } from '../../../twoway/dist/server/server-settings.js'
import { shutdownOptions, shutdownTable } from '../../../twoway/dist/server/shutdown/shutdown-options.js'
import { adminOptions } from '../../../twoway/dist/workers/admin-options.js'
import { workersOptions } from '../../../twoway/dist/workers/workers-options.js'
import { workersTable } from '../../../twoway/dist/workers/workers-settings.js'
import { type Behaviours, otherClients, otherDeflate, otherServers } from './other-libraries.js'

/** The public interfaces of options, the entry that each is exported from, and the table that checks it. */
export const optionInterfaces = {
  ServeOptions: { entry: 'server', table: serveTable },
  AttachOptions: { entry: 'server', table: attachTable },
  UpgraderOptions: { entry: 'server', table: attachTable },
  WebSocketOptions: { entry: 'client', table: clientTable },
  PerMessageDeflateOptions: { entry: 'server', table: deflateOptions },
  ShutdownOptions: { entry: 'server', table: shutdownTable },
  WorkersOptions: { entry: 'workers', table: workersTable },
  AdminOptions: { entry: 'workers', table: adminOptions },
  HubOptions: { entry: 'hub', table: hubTable },
} as const satisfies {
  readonly [name: string]: { readonly entry: 'client' | 'server' | 'workers' | 'hub'; readonly table: OptionTable }
}

/** Options that make a section of docs/reference/options.md. */
export interface OptionGroup {
  readonly title: string
  readonly introduction: string
  readonly from: keyof typeof optionInterfaces
  readonly options: OptionTable
  readonly others?: { readonly [name: string]: Behaviours | undefined }
}

/** The rows of a table that no other table has: its handlers. */
function without(table: OptionTable, ...others: readonly object[]): OptionTable {
  return Object.fromEntries(
    Object.entries(table).filter(([name]) => !others.some((other) => Object.hasOwn(other, name))),
  )
}

/** The sections of docs/reference/options.md, in their order. */
export const optionGroups: readonly OptionGroup[] = [
  {
    title: 'Server: limits',
    introduction:
      '`serve` and `attach` of `twoway/server` have these limits. All of them hold by default, but for the three rates.',
    from: 'ServeOptions',
    options: serverLimitOptions,
    others: otherServers,
  },
  {
    title: 'Server: behaviour',
    introduction: '`serve` and `attach` also have these options.',
    from: 'ServeOptions',
    options: commonOptions,
    others: otherServers,
  },
  {
    title: 'Server: where `serve` listens',
    introduction: '`port` and `host`, `socketPath`, and `handle` exclude each other. `attach` has none of them.',
    from: 'ServeOptions',
    options: listenOptions,
    others: otherServers,
  },
  {
    title: 'Server: plain requests',
    introduction: 'Limits of `serve` for requests that are not handshakes. They do not count against `maxConnections`.',
    from: 'ServeOptions',
    options: plainLimitOptions,
  },
  {
    title: 'Server: paths',
    introduction:
      '`serve`, `attach` and `upgrader` have this option. [Sessions and paths](../how-to/sessions.md) has examples.',
    from: 'AttachOptions',
    options: routeOptions,
  },
  {
    title: 'Server: `attach` and `upgrader`',
    introduction:
      'Servers in an application also have this option. [Sessions and paths](../how-to/sessions.md) has examples.',
    from: 'AttachOptions',
    options: handedOptions,
  },
  {
    title: 'Server: handlers',
    introduction: '`serve` and `attach` call these functions; `request` is called by `serve` only.',
    from: 'ServeOptions',
    options: without(serveTable, listenOptions, routeOptions, plainLimitOptions, commonOptions, serverLimitOptions),
  },
  {
    title: '`perMessageDeflate`',
    introduction: 'An object with these options is the value of `perMessageDeflate` on servers and clients.',
    from: 'PerMessageDeflateOptions',
    options: deflateOptions,
    others: otherDeflate,
  },
  {
    title: 'Client: the connection',
    introduction:
      '`WebSocket` and `WebSocketStream` of `twoway` have these options on Node, Bun and Deno. In browsers the platform’s own `WebSocket` takes no options.',
    from: 'WebSocketOptions',
    options: { ...connectOptions, ...signalOption },
    others: otherClients,
  },
  {
    title: 'Client: limits',
    introduction: 'These limits protect a client from a hostile server.',
    from: 'WebSocketOptions',
    options: clientLimitOptions,
    others: otherClients,
  },
  {
    title: 'Client: TLS',
    introduction: 'These have the names and meanings of `tls.connect` of Node.',
    from: 'WebSocketOptions',
    options: tlsOptions,
  },
  {
    title: 'Client: the local side',
    introduction: 'These have the names and meanings of `net.connect` of Node.',
    from: 'WebSocketOptions',
    options: localOptions,
  },
  {
    title: '`gracefulShutdown`',
    introduction:
      '`gracefulShutdown` of `twoway/server` and `twoway/workers` ends a process at a signal: [shutdown.md](../how-to/shutdown.md).',
    from: 'ShutdownOptions',
    options: shutdownOptions,
  },
  {
    title: '`gracefulShutdown`: handler',
    introduction: 'The function that is called at the end.',
    from: 'ShutdownOptions',
    options: without(shutdownTable, shutdownOptions),
  },
  {
    title: '`serveWorkers`',
    introduction:
      '`serveWorkers` of `twoway/workers` starts the processes; the options of a server are given to `serve` in the module.',
    from: 'WorkersOptions',
    options: workersOptions,
  },
  {
    title: '`serveWorkers`: `admin`',
    introduction:
      'An object with these options is the value of `admin`. It starts an HTTP server in the parent process with `/livez`, `/readyz` and `/metrics`: docs/how-to/observability.md describes them.',
    from: 'AdminOptions',
    options: adminOptions,
  },
  {
    title: '`serveWorkers`: handlers',
    introduction: 'The parent process calls these functions.',
    from: 'WorkersOptions',
    options: without(workersTable, workersOptions, historyOptions),
  },
  {
    title: '`serveWorkers`: messages that the parent stores',
    introduction: 'The parent process stores the messages for the hubs of its workers: [hub.md](../how-to/hub.md).',
    from: 'WorkersOptions',
    options: historyOptions,
  },
  {
    title: '`createHub`: messages that are stored',
    introduction: '`createHub` of `twoway/hub` has these options: [hub.md](../how-to/hub.md) describes the hub.',
    from: 'HubOptions',
    options: historyOptions,
  },
  {
    title: '`createHub`: limits',
    introduction: 'All of these limits hold by default.',
    from: 'HubOptions',
    options: hubLimitOptions,
  },
  {
    title: '`createHub`: topics, requests and clients',
    introduction: 'The rules and functions of the application.',
    from: 'HubOptions',
    options: without(hubTable, historyOptions, hubLimitOptions),
  },
]
