import cluster from 'node:cluster'
import process from 'node:process'
import type { WorkerParent, WorkerParentEvents } from '../../../ports/worker-parent.js'
import { canReusePort } from '../http/can-reuse-port.js'
import { isEnvelope, isWorker } from '../worker-marker.js'

/** Systems that distribute connections among the processes that listen on a port; elsewhere Node refuses the option. */
const sharingPlatforms: ReadonlySet<string> = new Set(['linux', 'freebsd', 'dragonfly'])

/** The exit code that shells report for a process that SIGTERM ended. */
const terminatedCode = 128 + 15

/** All copies of this library share this symbol: a module may be bundled with a copy of its own. */
const servers = Symbol.for('twoway.workerServers')

/**
 * The servers of this process if it is a worker of `serveWorkers`, else undefined. The first call creates the object, which
 * installs listeners for messages and signals. Later calls return the same object, also those of another copy of this
 * library.
 */
export function serversOfWorker<Servers extends object>(
  create: (parent: WorkerParent) => Servers,
): Servers | undefined {
  const holder = process as { [servers]?: Servers }
  if (holder[servers] === undefined && isWorker()) holder[servers] = create(new ClusterParent())
  return holder[servers]
}

/** The parent at the other end of node:cluster's channel. If the parent dies, node:cluster ends this process. */
class ClusterParent implements WorkerParent {
  readonly hasReusePort = sharingPlatforms.has(process.platform) && canReusePort(process.versions.node)

  // Without a callback, a channel that closes meanwhile would emit an error that ends the process.
  send(message: object, handed: () => void = () => {}): boolean {
    if (process.connected !== true) return false
    process.send!({ twoway: message }, undefined, undefined, handed)
    return true
  }

  listen(events: WorkerParentEvents): void {
    process.on('message', (message) => {
      if (isEnvelope(message)) events.message(message.twoway)
    })
    process.channel!.unref()
    process.on('uncaughtExceptionMonitor', (error) => events.failed(error))
    // Ctrl+C reaches all processes of a terminal. The parent decides: it tells this process to close, or ends itself.
    process.on('SIGINT', () => {})
    process.on('SIGTERM', () => {
      // A module that handles the signal itself also ends the process itself.
      if (process.listenerCount('SIGTERM') === 1) events.terminate()
    })
  }

  stay(): void {
    process.channel?.ref()
  }

  leave(): void {
    cluster.worker?.disconnect()
  }

  exit(): void {
    process.exit(terminatedCode)
  }
}
