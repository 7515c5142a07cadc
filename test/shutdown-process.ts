/** A program that the tests of gracefulShutdown run. Its arguments: what to start, and the options as JSON. */
import cluster from 'node:cluster'
import { appendFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { attach, gracefulShutdown, type ServeOptions, type Server, type ShutdownOptions, serve } from 'twoway/server'
import { serveWorkers } from 'twoway/workers'

const [what, json = '{}'] = process.argv.slice(2)
const log = process.env.LOG!

const handlers = {
  open: (socket) => socket.send(String(process.pid)),
  // Stores a message before it acknowledges it.
  async message(socket, message) {
    if (message === 'be stuck') for (;;);
    await appendFile(log, `${message}\n`)
    socket.send(message)
  },
} satisfies ServeOptions<undefined>

const options: ShutdownOptions = {
  ...JSON.parse(json),
  // biome-ignore lint/suspicious/noThenProperty: the option is called so
  async then({ signal, inTime }: { signal: string | undefined; inTime: boolean }) {
    if (process.env.THEN === 'hang') await new Promise(() => {})
    if (process.env.THEN === 'throw') throw new Error('then failed')
    if (process.env.THEN === 'code') process.exitCode = 7
    console.log(`then ${signal} ${inTime}`)
  },
}

/** An app that answers slowly, and says whether its server is ready. */
function app(port: number) {
  const httpServer = createServer((request, response) => {
    if (request.url === '/readyz') response.writeHead(server.isReady ? 200 : 503).end()
    else {
      console.log('asked')
      setTimeout(() => response.end('done'), request.url === '/long' ? 60_000 : 500)
    }
  })
  const server = attach(httpServer, { path: '/chat', ...handlers })
  return new Promise<{ httpServer: typeof httpServer; server: typeof server; url: string }>((resolve) => {
    httpServer.listen(port, '127.0.0.1', () => resolve({ httpServer, server, url: `${server.url}/chat` }))
  })
}

function blockThread(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

const acts: { readonly [what: string]: () => unknown } = {
  async serve() {
    const server: Server = await serve({
      port: 0,
      ...handlers,
      request: () => ({ status: server.isReady ? 200 : 503 }),
    })
    gracefulShutdown(server, options)
    console.log(server.url)
  },
  async several() {
    const servers = [await serve({ port: 0, ...handlers }), await serve({ port: 0, ...handlers })]
    gracefulShutdown(servers, options)
    for (const { url } of servers) console.log(url)
  },
  async attach() {
    const { server, url } = await app(0)
    gracefulShutdown(server, options)
    console.log(url)
  },
  async workers() {
    const workers = await serveWorkers(fileURLToPath(import.meta.url), { workers: 2, args: ['worker'] })
    gracefulShutdown(workers, options)
    console.log(workers.url)
  },
  worker: () => serve({ port: 0, ...handlers }),
  /** A cluster of the program's own, as that of PM2. Its primary is busy for two seconds, in which it tells a worker to end. */
  async cluster() {
    if (cluster.isWorker) {
      await acts.serve!()
      return
    }
    const forked = [cluster.fork(), cluster.fork()]
    process.stdin.once('data', () => {
      console.log('busy')
      blockThread(1000)
      forked[0]!.process.kill('SIGTERM')
      blockThread(1000)
    })
  },
  async begun() {
    const server = await serve({ port: 0, ...handlers })
    const shutdown = gracefulShutdown(server, options)
    console.log(server.url)
    process.stdin.once('data', () => shutdown.start())
  },
}

await acts[what!]!()
// An app has timers that nobody clears.
setInterval(() => {}, 60_000)
