import cluster from 'node:cluster'
import process from 'node:process'
import type { WorkerParent, WorkerParentEvents } from '../../../ports/worker-parent.js'
import { canReusePort } from '../http/can-reuse-port.js'
import { isEnvelope, isWorker } from '../worker-marker.js'

/** Systems that distribute connections among the processes that listen on a port; elsewhere Node refuses the option. */
const sharingPlatforms: ReadonlySet<string> = new Set(['linux', 'freebsd', 'dragonfly'])

/** What a shell says of a process that SIGTERM ended. */
const terminatedCode = 128 + 15

/** The same in each copy of this library: a module may be bundled with one of its own. */
const servers = Symbol.for('twoway.workerServers')

/**
 * What stands for the servers of this process, where it is a worker of `serveWorkers`, else undefined. The first call
 * creates it over the parent, which installs listeners for messages and signals; all further ones, also those of
 * another copy of this library, return the same.
 */
export function serversOfWorker<Servers extends object>(
  create: (parent: WorkerParent) => Servers,
): Servers | undefined {
  const holder = process as { [servers]?: Servers }
  if (holder[servers] === undefined && isWorker()) holder[servers] = create(new ClusterParent())
  return holder[servers]
}

/** The parent, over the channel that node:cluster has to it. Where it dies, node:cluster ends this process. */
class ClusterParent implements WorkerParent {
  readonly hasReusePort = sharingPlatforms.has(process.platform) && canReusePort(process.versions.node)

  send(message: object): void {
    // With a callback, a channel that closes meanwhile is no error that ends the process.
    if (process.connected) process.send!({ twoway: message }, undefined, undefined, () => {})
  }

  listen(events: WorkerParentEvents): void {
    process.on('message', (message) => {
      if (isEnvelope(message)) events.message(message.twoway)
    })
    process.channel!.unref()
    process.on('uncaughtExceptionMonitor', (error) => events.failed(error))
    // Ctrl+C reaches all processes of a terminal: what is to be done is for the parent to say, or its end says it.
    process.on('SIGINT', () => {})
    process.on('SIGTERM', () => {
      // A module that takes the signal itself ends itself, too.
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
