// Code of servers that must compile: `socket.data` has the type that `upgrade` returns, in any form of handlers.

import { attach, serve } from 'twoway/server'
import { serveWorkers, type Workers } from 'twoway/workers'
import { check, type Same } from './same.js'

interface User {
  readonly name: string
}

declare const log: (...values: unknown[]) => void
declare function whoIs(url: string): Promise<User | undefined>

export async function echo(): Promise<void> {
  const server = await serve({
    port: 8080,
    message(socket, message) {
      check<Same<typeof message extends string | Uint8Array ? true : false, true>>()
      const result: 'sent' | 'buffered' | 'dropped' | 'closed' = socket.send(message)
      log(result)
    },
    close(socket, { code, reason, wasClean }) {
      check<Same<typeof code, number>>()
      check<Same<typeof reason, string>>()
      check<Same<typeof wasClean, boolean>>()
      log(socket.remoteAddress, socket.protocol)
    },
    error(socket, error) {
      log(socket, error)
    },
  })
  check<Same<typeof server.url, string>>()
  await server.close()
}

/** Handlers may use the server that is not there yet, and return what they like: no `any`, TS7022. */
export async function handlersThatUseTheServer(): Promise<void> {
  const server = await serve({
    upgrade: () => ({ data: { name: 'a' } }),
    message: (socket, message) => server.broadcast(message, { except: socket }),
    close: async () => server.metrics(),
    error: () => server.close(),
  })
  check<Same<typeof server.port, number>>()
  const other = await serve({
    message(socket, message) {
      check<Same<typeof socket.server, typeof other>>()
      return other.broadcast(message)
    },
  })
}

export const lifetimes = () =>
  serve({
    async open(socket) {
      const id: string = socket.id
      const state: 1 | 2 | 3 = socket.readyState
      socket.signal.addEventListener('abort', () => log(id, state))
      const { code, reason, wasClean } = await socket.closed
      check<Same<typeof code, number>>()
      log(reason, wasClean, socket.server.connections.size)
    },
  })

export const streams = () =>
  serve({
    port: 0,
    sequential: true,
    upgrade: () => ({ data: { files: 0 } }),
    async messageStream(socket, stream) {
      check<Same<typeof stream.type, 'text' | 'binary'>>()
      check<Same<typeof socket.data.files, number>>()
      for await (const piece of stream) check<Same<typeof piece, string | Uint8Array>>()
      const { value } = await stream.readable.getReader().read()
      check<Same<typeof value, string | Uint8Array | undefined>>()
      const sent: number = await socket.sendFrom(['a', new Uint8Array(1)])
      log(sent, await stream.text(), await stream.bytes())
      await socket.sendStream(stream, stream)
      // @ts-expect-error there is no such type
      await socket.sendStream(stream, { type: 'blob' })
      // @ts-expect-error a number is no message
      await socket.sendFrom([1])
    },
  })

export const upgradeFirst = () =>
  serve({
    port: 0,
    upgrade(request) {
      return { data: { user: request.url } }
    },
    open(socket) {
      check<Same<typeof socket.data.user, string>>()
      // @ts-expect-error upgrade returns no such thing
      log(socket.data.group)
    },
    message(socket) {
      check<Same<typeof socket.data.user, string>>()
    },
    drain(socket) {
      check<Same<typeof socket.data.user, string>>()
    },
    close(socket) {
      check<Same<typeof socket.data.user, string>>()
    },
    error(socket) {
      log(socket)
    },
  })

export const asyncUpgrade = () =>
  serve({
    port: 0,
    async upgrade(request) {
      return { data: { user: await whoIs(request.url) } }
    },
    message(socket, message) {
      check<Same<typeof socket.data.user, User | undefined>>()
      socket.send(message)
    },
  })

export const refusing = () =>
  serve({
    port: 0,
    upgrade(request) {
      if (request.url.includes('?')) return new Response('Not here', { status: 404 })
      return { data: { user: request.url } }
    },
    open(socket) {
      check<Same<typeof socket.data.user, string>>()
    },
    message() {},
  })

export const refusingLater = () =>
  serve({
    port: 0,
    async upgrade(request) {
      const user = await whoIs(request.url)
      if (user === undefined) return new Response('Who are you?', { status: 401 })
      return { data: user }
    },
    open(socket) {
      check<Same<typeof socket.data, User>>()
    },
    message() {},
  })

export const named = () =>
  serve<User>({
    message(socket) {
      check<Same<typeof socket.data, User>>()
    },
    open(socket) {
      check<Same<typeof socket.data.name, string>>()
    },
    upgrade() {
      return { data: { name: 'me' } }
    },
    port: 0,
  })

export const namedAsync = () =>
  serve<User>({
    open(socket) {
      check<Same<typeof socket.data, User>>()
    },
    async upgrade(request) {
      return (await whoIs(request.url)) ? { data: { name: 'me' } } : new Response('Who are you?', { status: 401 })
    },
    message() {},
    port: 0,
  })

export const misnamed = () =>
  serve<User>({
    port: 0,
    // @ts-expect-error the name of a User is a string
    upgrade() {
      return { data: { name: 1 } }
    },
    message() {},
  })

export const withoutUpgrade = () =>
  serve({
    port: 0,
    open(socket) {
      // @ts-expect-error there is no data
      log(socket.data.user)
    },
    async message(socket, message) {
      socket.send(message)
      socket.ping()
      socket.pause()
      socket.resume()
      socket.close(1000, 'done')
      socket.terminate()
    },
  })

declare const httpServer: import('node:http').Server | import('node:https').Server

export const attached = () => {
  const server = attach(httpServer, {
    path: '/chat',
    async upgrade(request) {
      return { data: { user: await whoIs(request.url) } }
    },
    message(socket, message) {
      check<Same<typeof socket.data.user, User | undefined>>()
      socket.send(message)
    },
  })
  check<Same<typeof server.port, number>>()
  return server
}

export const attachedByFunction = () =>
  attach<User>(httpServer, {
    path: (request) => request.url.endsWith('/news'),
    upgrade: () => ({ data: { name: 'me' } }),
    open(socket) {
      check<Same<typeof socket.data, User>>()
    },
  })

export const attachedWithPort = () =>
  attach(httpServer, {
    // @ts-expect-error the HTTP server has a port of its own
    port: 8080,
  })

export const onUnixSocket = () => serve({ socketPath: '/run/app.sock', backlog: 1000 })

export const onInheritedHandle = () => serve({ handle: { fd: 3 } })

export async function inProcesses(): Promise<Workers> {
  const workers = await serveWorkers(new URL('./server.js', 'file:///app/'), {
    workers: 4,
    workerExit: ({ id, pid, code, signal, error, restartInMs }) => log(id, pid, code, signal, error, restartInMs),
    error: (error) => log(error.message),
  })
  const handed: number = workers.broadcast('text', { compress: true })
  const metrics = await workers.metrics()
  check<Same<typeof metrics.connections, number>>()
  log(handed, metrics.workers[0]?.metrics?.connections, metrics.workers[0]?.state)
  await workers.restart({ withinMs: 1000 })
  await workers.drain({ withinMs: 1000 })
  // @ts-expect-error there is no such option: those of a server are the module's
  await serveWorkers('/app/server.js', { port: 8080 })
  return workers
}

export const compressed = async () => {
  const server = await serve({
    port: 0,
    perMessageDeflate: {
      serverNoContextTakeover: false,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 12,
      clientMaxWindowBits: undefined,
      level: 6,
      memLevel: 8,
      thresholdBytes: 512,
    },
    upgrade: () => ({ perMessageDeflate: false }),
    message(socket, message) {
      socket.send(message, { compress: true })
      socket.sendStream([message], { compress: false, type: 'text' })
      // @ts-expect-error it is compressed or not
      socket.send(message, { compress: 'always' })
    },
  })
  server.broadcast('text', { compress: false })
  await serve({ port: 0, perMessageDeflate: true, message() {} })
  // @ts-expect-error there is no such parameter
  await serve({ port: 0, perMessageDeflate: { windowBits: 12 }, message() {} })
  // @ts-expect-error a server takes one set of parameters
  await serve({ port: 0, perMessageDeflate: [{}], message() {} })
}
