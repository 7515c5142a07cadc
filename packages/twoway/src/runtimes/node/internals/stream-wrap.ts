import process from 'node:process'
import { sharesReads } from '../transport/shared-reading.js'

/** What Node's own sockets use beside the handles of libuv's streams. */
export interface StreamWrap {
  readonly WriteWrap: new () => object
  readonly ShutdownWrap: new () => object
  /** What a handle's last call tells beside its result, at the places that follow. */
  readonly streamBaseState: Int32Array
  /** The octets that were read, or a negative number: the system's error. */
  readonly kReadBytesOrError: number
  /** Whether the write goes on after the call. */
  readonly kLastWriteWasAsync: number
}

/**
 * Undefined where it is out of reach or looks different from what is known of Node: in other runtimes, under the
 * permission model, and where whoever started Node asked to hear of what may go some day, as this may.
 */
export const streamWrap: StreamWrap | undefined = mayBeUsed() ? load() : undefined

function mayBeUsed(): boolean {
  const { NODE_OPTIONS = '', NODE_PENDING_DEPRECATION, TWOWAY_TRANSPORT } = process.env
  if (!sharesReads || TWOWAY_TRANSPORT === 'socket') return false
  const option = '--pending-deprecation'
  return !(process.execArgv.includes(option) || NODE_OPTIONS.includes(option) || NODE_PENDING_DEPRECATION === '1')
}

function load(): StreamWrap | undefined {
  try {
    const wrap = (process as unknown as { binding(name: string): Partial<StreamWrap> }).binding('stream_wrap')
    return isKnown(wrap) ? wrap : undefined
  } catch {
    return undefined
  }
}

function isKnown(wrap: Partial<StreamWrap>): wrap is StreamWrap {
  const { WriteWrap, ShutdownWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync } = wrap
  return (
    typeof WriteWrap === 'function' &&
    typeof ShutdownWrap === 'function' &&
    streamBaseState instanceof Int32Array &&
    typeof kReadBytesOrError === 'number' &&
    typeof kLastWriteWasAsync === 'number'
  )
}
