import process from 'node:process'
import { isInt32Array } from '../../../core/value-kinds.js'
import { whyOnlyStreams } from '../transport/shared-reading.js'

/** The parts of Node that its sockets use beside the handles of libuv's streams. */
export interface StreamWrap {
  readonly WriteWrap: new () => object
  readonly ShutdownWrap: new () => object
  /** Further results of a handle's last call, at the indices that follow. */
  readonly streamBaseState: Int32Array
  /** The bytes that were read, or a negative number: the system's error. */
  readonly kReadBytesOrError: number
  /** Whether the write continues after the call. */
  readonly kLastWriteWasAsync: number
}

const { wrap, why } = load()

/**
 * Node's internal module; undefined if it is not available or has another shape. It is not available in other runtimes,
 * under the permission model, and with `--pending-deprecation`, because its use causes such a warning. `handle-trial.ts`
 * tries its behaviour.
 */
export const streamWrap: StreamWrap | undefined = wrap

/** The reason why `streamWrap` is undefined, if it is. */
export const whyNoStreamWrap: string | undefined = why

function load(): { readonly wrap?: StreamWrap; readonly why?: string } {
  if (whyOnlyStreams !== undefined) return { why: whyOnlyStreams }
  if (warnsOfPendingDeprecations()) return { why: 'Node was started with --pending-deprecation' }
  try {
    const wrap = (process as unknown as { binding(name: string): Partial<StreamWrap> }).binding('stream_wrap')
    return isKnown(wrap) ? { wrap } : { why: "process.binding('stream_wrap') has an unknown shape" }
  } catch (error) {
    return { why: `process.binding('stream_wrap') is not available: ${(error as Error).message}` }
  }
}

function warnsOfPendingDeprecations(): boolean {
  const { NODE_OPTIONS = '', NODE_PENDING_DEPRECATION } = process.env
  const option = '--pending-deprecation'
  return process.execArgv.includes(option) || NODE_OPTIONS.includes(option) || NODE_PENDING_DEPRECATION === '1'
}

function isKnown(wrap: Partial<StreamWrap>): wrap is StreamWrap {
  const { WriteWrap, ShutdownWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync } = wrap
  return (
    typeof WriteWrap === 'function' &&
    typeof ShutdownWrap === 'function' &&
    isInt32Array(streamBaseState) &&
    typeof kReadBytesOrError === 'number' &&
    typeof kLastWriteWasAsync === 'number'
  )
}
