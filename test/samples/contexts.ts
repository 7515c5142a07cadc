/** Names of our packages that a document introduces once, and that later samples use without an import. */
export const introduced: Readonly<Record<string, readonly string[]>> = {
  'node:http': ['createServer'],
  twoway: ['WebSocket', 'WebSocketStream', 'HandshakeError'],
  'twoway/server': ['serve', 'attach', 'upgrader', 'gracefulShutdown'],
  'twoway/workers': ['serveWorkers'],
  'twoway/hub': ['createHub', 'HubError'],
  'twoway/link': ['Link'],
  'twoway/memory': ['MemoryNetwork'],
  'twoway/metrics': ['metricsAnswer'],
  '../examples/components/react/use-topic.js': ['useLink', 'useLinkStatus', 'useTopic'],
}

const httpServer = "declare const httpServer: import('node:http').Server"
const server = "declare const server: import('twoway/server').Server"

/** The names that the samples of a document use without a declaration, such as an app: a line for each. */
export const contexts: Readonly<Record<string, readonly string[]>> = {
  'docs/how-to/observability.md': [httpServer],
  'docs/how-to/sessions.md': [
    httpServer,
    "declare const chat: import('twoway/server').Upgrader",
    "declare const rooms: import('twoway/server').Upgrader",
    'declare const hmr: (...args: unknown[]) => void',
  ],
  'docs/how-to/shutdown.md': [server, 'declare const database: { end(): Promise<void> }'],
}

/** Files and packages that samples import and the repository does not have, as modules in `test`. */
export const otherModules: Readonly<Record<string, string>> = {
  'server.ts': `import { createHub } from 'twoway/hub'
export const hub = createHub({ requests: { add: ([a, b]: [number, number]) => a + b } })`,
  'packages.d.ts': `declare module 'ioredis'
declare module 'socket.io'
declare module 'express-session' {
  interface SessionData {}
  export default function session(options: object): import('twoway/server').Middleware
}
declare namespace Express {
  interface Request { session: import('express-session').SessionData }
}
declare module 'react' {
  function useCallback<Callback>(callback: Callback, values: readonly unknown[]): Callback
  function useEffect(effect: () => void | (() => void), values: readonly unknown[]): void
  function useState<State>(): [State | undefined, (state: State) => void]
  function useState<State>(initial: State | (() => State)): [State, (change: State | ((before: State) => State)) => void]
  function useSyncExternalStore<State>(subscribe: (listener: () => void) => () => void, read: () => State, readOnServer?: () => State): State
}
declare namespace JSX {
  interface IntrinsicElements { [name: string]: object }
}`,
}
