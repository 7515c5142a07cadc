/** A case that has not ended by then never will. */
const caseTimeoutMs = 15_000

/** Runs a case, and says in words what became of it; 'pass' where nothing was wrong. */
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
