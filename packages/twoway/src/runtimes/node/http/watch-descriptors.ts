import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { TransportError } from '../../../core/errors.js'
import type { Clock } from '../../../ports/clock.js'
import { nodeClock } from '../clock.js'
import { explainFailure } from '../connect/explain-failure.js'

const probeIntervalMs = 1000
/** Milliseconds between two reports at least: a process stays out of descriptors for a while, or runs out repeatedly. */
const reportIntervalMs = 60_000

interface ReportsErrors {
  on(event: 'error', listener: (error: Error) => void): unknown
}

/**
 * Reports that a server can't accept connections, until the returned function is called.
 *
 * Node does not report it: if no descriptor is left (EMFILE), libuv accepts each waiting peer with a descriptor that it
 * keeps in reserve, and closes the connection. The server accepts again as soon as descriptors are free. So this function
 * tries once a second whether a descriptor is free.
 *
 * @param server a server whose event 'error' is reported too
 */
export function watchDescriptors(
  server: ReportsErrors | undefined,
  tell: (error: TransportError) => void,
  clock: Clock = nodeClock,
): () => void {
  let lastReport = Number.NEGATIVE_INFINITY
  const report = (cause: NodeJS.ErrnoException): void => {
    const at = clock.now()
    if (at - lastReport < reportIntervalMs) return
    lastReport = at
    tell(
      new TransportError(`peers that connect now are turned away: ${explainFailure(cause)}; ${remedyOf(cause)}`, {
        cause,
      }),
    )
  }
  let timer: ReturnType<Clock['after']>
  const probeNext = (): void => {
    probeLater()
    probe(report)
  }
  const probeLater = (): void => {
    timer = clock.after(probeIntervalMs, probeNext, false)
  }
  probeLater()
  server?.on('error', report)
  return () => timer.cancel()
}

function remedyOf({ code }: NodeJS.ErrnoException): string {
  return `allow more (${code === 'ENFILE' ? 'sysctl fs.file-max' : 'ulimit -n'}), or lower maxConnections`
}

function probe(report: (cause: NodeJS.ErrnoException) => void): void {
  try {
    closeSync(openSync(devNull, 'r'))
  } catch (error) {
    const cause = error as NodeJS.ErrnoException
    if (cause.code === 'EMFILE' || cause.code === 'ENFILE') report(cause)
  }
}
