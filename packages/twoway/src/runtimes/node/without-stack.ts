/** `stackTraceLimit` is V8's: the number of frames that it records for an error. */
const errors = Error as { stackTraceLimit?: number | undefined }

/**
 * Makes an error for an event of the network. Its stack would show only the event loop, and it takes most of the time of the
 * end of a connection. Many connections end by a reset.
 */
export function withoutStack<Made extends Error>(make: () => Made): Made {
  const limit = errors.stackTraceLimit
  setLimit(0)
  try {
    return make()
  } finally {
    setLimit(limit)
  }
}

/** Ignores a failure. Reflect.set would need no `try`, but it is slower. */
function setLimit(limit: number | undefined): void {
  try {
    errors.stackTraceLimit = limit
  } catch {
    // The intrinsics are frozen: errors have their stack then.
  }
}
