/**
 * A reporter of node's test runner: one line of JSON with the results of each file. Groups of tests are not
 * counted, unless one fails by itself.
 */

/** The results of the tests of a file. */
export interface FileResult {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** The part of the runner's events that is read. */
interface TestEvent {
  readonly type: string
  readonly data: {
    readonly file?: string
    readonly skip?: unknown
    readonly todo?: unknown
    readonly details?: { readonly type?: string; readonly error?: { readonly failureType?: string } }
  }
}

// biome-ignore lint/style/noDefaultExport: node's test runner loads the default export.
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files: Record<string, { passed: number; failed: number; skipped: number }> = {}
  for await (const { type, data } of events) {
    if ((type !== 'test:pass' && type !== 'test:fail') || data.file === undefined) continue
    const { type: kind, error } = data.details ?? {}
    if (error?.failureType === 'subtestsFailed' || (kind === 'suite' && type === 'test:pass')) continue
    files[data.file] ??= { passed: 0, failed: 0, skipped: 0 }
    const result = files[data.file]!
    if (type === 'test:fail') result.failed += 1
    else if (data.skip !== undefined && data.skip !== false) result.skipped += 1
    else result.passed += 1
  }
  yield `${JSON.stringify(files)}\n`
}
