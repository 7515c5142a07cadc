import type { StreamHandle } from './stream-handle.js'
import { streamWrap } from './stream-wrap.js'

/**
 * Makes a function that reads once from each handle that it is given, without a buffer of ours, so that a socket can still be
 * made of the handle. It returns false if a handle can't be read. `received` gets the bytes, or a negative length if the peer has
 * left or the read has failed.
 */
export function firstReads(
  received: (handle: StreamHandle, length: number, bytes?: ArrayBuffer) => void,
): (handle: StreamHandle) => boolean {
  // One function for all handles, because a closure or a property would cost each connection its memory.
  const onRead = function (this: StreamHandle, bytes?: ArrayBuffer): void {
    const length = streamWrap!.streamBaseState[streamWrap!.kReadBytesOrError]!
    if (length === 0) return
    this.readStop()
    received(this, length, bytes)
  }
  return (handle) => {
    handle.onread = onRead
    return handle.readStart() === 0
  }
}
