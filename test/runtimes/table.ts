import type { Outcome } from './case.js'

/** The results of each runtime, in the order in which they ran. */
export type Results = ReadonlyMap<string, readonly Outcome[]>

/** A table of cases and runtimes, followed by each gap and failure. */
export function tableOf(results: Results): string {
  const runtimes = [...results.keys()]
  const names = [...new Set([...results.values()].flatMap((outcomes) => outcomes.map(({ name }) => name)))]
  const width = Math.max(...names.map((name) => name.length))
  const rows = names.map((name) => {
    const cells = runtimes.map((runtime) => {
      const outcome = results.get(runtime)!.find((each) => each.name === name)
      return signOf(outcome?.result).padEnd(runtime.length)
    })
    return `${name.padEnd(width)}  ${cells.join('  ')}`.trimEnd()
  })
  const notes = runtimes.flatMap((runtime) =>
    results
      .get(runtime)!
      .filter(({ result }) => result !== 'pass')
      .map(({ name, result }) => `${runtime}: ${name}\n  ${result}`),
  )
  return [
    `${''.padEnd(width)}  ${runtimes.join('  ')}`,
    ...rows,
    '',
    'ok: passes; lacks: the runtime lacks what it needs, see below; FAILS: see below; empty: not run there',
    ...(notes.length > 0 ? ['', ...notes] : []),
  ].join('\n')
}

export function hasFailure(results: Results): boolean {
  return [...results.values()].some((outcomes) => outcomes.some(({ result }) => signOf(result) === 'FAILS'))
}

function signOf(result: string | undefined): string {
  if (result === undefined) return ''
  if (result === 'pass') return 'ok'
  return result.startsWith('lacks ') ? 'lacks' : 'FAILS'
}
