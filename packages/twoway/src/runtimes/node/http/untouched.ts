import type { Duplex } from 'node:stream'
import { callAfter } from './answer-stream.js'

/** Signs that a listener uses a stream. */
interface Traces {
  readonly flowing: boolean | null
  readonly written: number
  listeners: number
}

/**
 * Calls back after a time if nothing has used the stream until then. A listener of upgrades gives no sign that it ignores
 * one.
 */
export function whenUntouched(stream: Duplex, patienceMs: number, goOn: () => void): void {
  if (!Number.isFinite(patienceMs)) return
  const before = tracesOn(stream)
  callAfter(stream, patienceMs, () => {
    if (isUntouched(stream, before)) goOn()
  })
  before.listeners += 1
}

function tracesOn(stream: Duplex & { readonly bytesWritten?: number }): Traces {
  return {
    flowing: stream.readableFlowing,
    written: stream.writableLength + (stream.bytesWritten ?? 0),
    listeners: stream.eventNames().reduce((sum, name) => sum + stream.listenerCount(name), 0),
  }
}

function isUntouched(stream: Duplex, before: Traces): boolean {
  if (stream.destroyed || stream.writableEnded) return false
  const { flowing, written, listeners } = tracesOn(stream)
  return flowing === before.flowing && written === before.written && listeners === before.listeners
}
