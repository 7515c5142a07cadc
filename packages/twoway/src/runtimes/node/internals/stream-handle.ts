/** Node's handle of a libuv stream. None of its members is public. */
export interface StreamHandle {
  /** Whether a socket of Node's reads from it. */
  reading?: boolean
  onread: unknown
  readonly writeQueueSize: number
  useUserBuffer(buffer: Uint8Array): void
  /** Closes the descriptor, and stops reading. Calls back in a later phase of the event loop. */
  close(callback?: () => void): void
  /** Each method that returns a number returns 0, or the system's error as a negative number. */
  readStart(): number
  readStop(): number
  writeBuffer(request: object, bytes: Uint8Array): number
  writev(request: object, buffers: readonly Uint8Array[], areAllBuffers: true): number
  shutdown(request: object): number
  /** Of TCP only, like the two below. */
  reset?(callback: () => void): number
  getpeername?(into: { address?: string; port?: number }): number
  setNoDelay?(on: boolean): number
}

/** A write or a shutdown that continues after the call. */
export interface HandleRequest {
  oncomplete?: (this: HandleRequest, status: number) => void
}

/** Whether an object has the shape of Node's stream handles. Name by name, because a loop costs more on each connection. */
export function isStreamHandle(handle: unknown): handle is StreamHandle {
  if (typeof handle !== 'object' || handle === null) return false
  const look = handle as StreamHandle
  return (
    typeof look.writeQueueSize === 'number' &&
    typeof look.useUserBuffer === 'function' &&
    typeof look.close === 'function' &&
    typeof look.readStart === 'function' &&
    typeof look.readStop === 'function' &&
    typeof look.writeBuffer === 'function' &&
    typeof look.writev === 'function' &&
    typeof look.shutdown === 'function'
  )
}
