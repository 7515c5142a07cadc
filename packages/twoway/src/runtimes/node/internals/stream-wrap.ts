import process from 'node:process'
import { isInt32Array } from '../../../core/value-kinds.js'
import { whyOnlyStreams } from '../transport/shared-reading.js'

/** What Node's own sockets use beside the handles of libuv's streams. */
export interface StreamWrap {
  readonly WriteWrap: new () => object
  readonly ShutdownWrap: new () => object
  /** What a handle's last call tells beside its result, at the indices that follow. */
  readonly streamBaseState: Int32Array
  /** The bytes that were read, or a negative number: the system's error. */
  readonly kReadBytesOrError: number
  /** Whether the write goes on after the call. */
  readonly kLastWriteWasAsync: number
}

const { wrap, why } = load()

/**
 * Undefined where it is out of reach or looks different from what is known of Node: in other runtimes, under the
 * permission model, and where the program was started with a request to be warned of pending deprecations, as this one
 * has such a warning. Whether it does what it did is for `handle-trial.ts` to try.
 */
export const streamWrap: StreamWrap | undefined = wrap

/** Why there is none, where there is none. */
export const whyNoStreamWrap: string | undefined = why

function load(): { readonly wrap?: StreamWrap; readonly why?: string } {
  if (whyOnlyStreams !== undefined) return { why: whyOnlyStreams }
  if (warnsOfPendingDeprecations()) return { why: 'Node was started with --pending-deprecation' }
  try {
    const wrap = (process as unknown as { binding(name: string): Partial<StreamWrap> }).binding('stream_wrap')
    return isKnown(wrap) ? { wrap } : { why: "process.binding('stream_wrap') is not as known of Node" }
  } catch (error) {
    return { why: `process.binding('stream_wrap') can't be had: ${(error as Error).message}` }
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
