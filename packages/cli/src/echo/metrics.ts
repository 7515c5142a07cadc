import { prometheus } from 'twoway/metrics'
import type { Server } from 'twoway/server'
import { residentBytes } from './resident-memory.js'

/** Metrics of the process and of the service itself, beside those of the server. */
function ofProcess(
  server: Server<unknown>,
  startedAt: number,
): readonly (readonly [name: string, help: string, value: number])[] {
  return [
    ['ready', '1 while new connections are accepted, 0 while the service stops.', Number(server.isReady)],
    ['start_time_seconds', 'When the service started, in seconds since 1970.', startedAt / 1000],
    ['resident_memory_bytes', 'Resident memory of the process.', residentBytes()],
  ]
}

/**
 * The metrics of the service in the text format of Prometheus.
 * @param startedAt milliseconds since 1970
 */
export function metricsText(server: Server<unknown>, startedAt: number): string {
  const gauges = ofProcess(server, startedAt).map(
    ([name, help, value]) => `# HELP twoway_${name} ${help}\n# TYPE twoway_${name} gauge\ntwoway_${name} ${value}\n`,
  )
  return prometheus(server.metrics()) + gauges.join('')
}
