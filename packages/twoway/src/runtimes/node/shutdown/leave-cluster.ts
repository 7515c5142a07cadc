import cluster from 'node:cluster'
import process from 'node:process'

/**
 * Resolves once this process has left the `node:cluster` of which it is a worker; at once if it is none.
 *
 * The primary may have sent this process a connection that has not arrived yet. A worker that listens no longer declines such a
 * connection, and the primary gives it to another worker. If the process ended instead, the connection would stay open without
 * an answer.
 */
export function leaveCluster(): Promise<void> {
  if (!cluster.isWorker || !process.connected) return Promise.resolve()
  return new Promise((resolve) => {
    process.once('disconnect', () => resolve())
    cluster.worker!.disconnect()
  })
}
