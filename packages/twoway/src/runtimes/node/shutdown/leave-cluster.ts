import cluster from 'node:cluster'
import process from 'node:process'

/**
 * Resolves once this process has left the `node:cluster` of which it is a worker; at once if it is none.
 *
 * The primary may have sent it a connection that it has not received yet. A worker that listens no longer declines it, and the
 * primary gives it to another. A connection to a process that has ended would stay open, and nobody would answer it.
 */
export function leaveCluster(): Promise<void> {
  if (!cluster.isWorker || !process.connected) return Promise.resolve()
  return new Promise((resolve) => {
    process.once('disconnect', () => resolve())
    cluster.worker!.disconnect()
  })
}
