/** The time after which a case has failed. */
const caseTimeoutMs = 15_000

/** Runs a case, and resolves with 'pass' or a description of the failure. */
export async function runCase(run: () => Promise<void>): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it was not done within ${caseTimeoutMs} ms`)), caseTimeoutMs)
  })
  try {
    await Promise.race([run(), timeout])
    return 'pass'
  } catch (error) {
    return `fails: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`
  } finally {
    clearTimeout(timer)
  }
}
