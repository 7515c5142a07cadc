/** Waits for a promise, at most until a time of `performance.now()`. */
export async function within<Answer>(promise: Promise<Answer>, until: number, timeoutMs: number): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Redis has not answered within ${timeoutMs} ms`)),
      until - performance.now(),
    )
    timer.unref()
  })
  // The client may still reject later.
  promise.catch(() => undefined)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
