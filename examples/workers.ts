/**
 * A server on one port with a process for each core, and a clock that is broadcast to all clients.
 *
 * Run it and connect to ws://127.0.0.1:8080. `kill` one of its processes, and another takes its place. Send SIGHUP to
 * the first process, and all workers restart one after another with the current `workers-server.js`.
 */
import { gracefulShutdown, serveWorkers } from 'twoway/workers'

const workers = await serveWorkers(new URL('./workers-server.js', import.meta.url), {
  workerExit: ({ reason, restartInMs }) => console.error(`${reason}; the next one comes in ${restartInMs} ms`),
})
setInterval(() => workers.broadcast(new Date().toISOString()), 1000)
console.log(workers.url)

process.on('SIGHUP', () => workers.restart({ withinMs: 10_000 }).catch(console.error))

gracefulShutdown(workers)
