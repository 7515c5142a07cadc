/**
 * A server in as many processes as the machine has cores, on one port, which sends the time to all clients.
 *
 * Run it and connect to ws://127.0.0.1:8080. `kill` one of its processes, and another one replaces it. Send SIGHUP
 * to the parent, and all workers are replaced, one after another, with the current version of `workers-server.js`.
 */
import { serveWorkers } from 'twoway/workers'

const workers = await serveWorkers(new URL('./workers-server.js', import.meta.url), {
  workerExit: ({ reason, restartInMs }) => console.error(`${reason}; the next one comes in ${restartInMs} ms`),
})
const clock = setInterval(() => workers.broadcast(new Date().toISOString()), 1000)
console.log(workers.url)

process.on('SIGHUP', () => workers.restart({ withinMs: 10_000 }).catch(console.error))

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    clearInterval(clock)
    await workers.close()
  })
}
