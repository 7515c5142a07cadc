/** A module that the tests of serveWorkers run. Its argument selects the behaviour. */
import { createServer } from 'node:http'
import { attach, type ServeOptions, serve } from 'twoway/server'
import { serveWorkers } from 'twoway/workers'

const options: ServeOptions<undefined> = {
  port: 0,
  closeTimeoutMs: 500,
  open: (socket) => socket.send(String(process.pid)),
  message(socket, message) {
    // Once the echo has gone: a stuck process takes no signal and no message.
    if (message === 'be stuck')
      setImmediate(() => {
        for (;;);
      })
    socket.send(message)
  },
}

const acts: { readonly [what: string]: () => unknown } = {
  echo: () => serve(options),
  proxied: () =>
    serve({
      ...options,
      ...{ proxyProtocol: true, trustedProxies: 'loopback' },
      open(socket) {
        socket.send(String(process.pid))
        socket.send(String(socket.remoteAddress))
      },
    }),
  async several() {
    await Promise.all([serve(options), serve(options)])
    await serve({ ...options, port: undefined, socketPath: process.env.SOCKET_PATH })
    setInterval(() => {}, 60_000)
  },
  attached() {
    const { port, ...rest } = options
    const httpServer = createServer((_, response) => response.end(String(process.pid)))
    attach(httpServer, { path: '/chat', ...rest })
    httpServer.listen(port, '127.0.0.1')
  },
  options: () =>
    serve({
      ...options,
      open(socket) {
        socket.send(String(process.pid))
        socket.send(JSON.stringify(process.execArgv))
      },
    }),
  fixed: () => serve({ ...options, port: Number(process.env.PORT) }),
  throw() {
    throw new TypeError('at once')
  },
  nothing() {},
  wait: () => setInterval(() => {}, 60_000),
  nest: () => serveWorkers(import.meta.url),
}

await acts[process.argv[2]!]!()
