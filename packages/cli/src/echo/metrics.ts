import type { Server } from 'twoway/server'

/** One figure in the text format of Prometheus. */
interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  read(server: Server<unknown>, startedAt: number): number
}

const metrics: readonly Metric[] = [
  {
    name: 'twoway_connections',
    type: 'gauge',
    help: 'WebSocket connections that stand now.',
    read: (server) => server.connections.size,
  },
  {
    name: 'twoway_ready',
    type: 'gauge',
    help: '1 while new connections are taken, 0 while the server stops.',
    read: (server) => Number(server.isReady),
  },
  {
    name: 'twoway_start_time_seconds',
    type: 'gauge',
    help: 'When the service started, in seconds since 1970.',
    read: (_, startedAt) => startedAt / 1000,
  },
  {
    name: 'twoway_resident_memory_bytes',
    type: 'gauge',
    help: 'Memory of the process.',
    read: () => process.memoryUsage.rss(),
  },
]

/** A server's figures in the text format of Prometheus. */
export function metricsText(server: Server<unknown>, startedAt: number): string {
  return metrics
    .map(
      ({ name, type, help, read }) =>
        `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${read(server, startedAt)}\n`,
    )
    .join('')
}
