import type { ServerProcess, Target } from './server-process.js'
import type { Mode } from './servers/commands.js'

/** The measurement of one server. */
export interface Figure {
  readonly text: string
  readonly holds: boolean
}

/** A measured property, and the promise of Twoway. */
export interface Row {
  readonly property: string
  readonly promise: string
  /** The mode of the server; echo by default. */
  readonly mode?: Mode
  /** The limit of its process's descriptors. */
  readonly descriptors?: number
  /** The reasons why targets are not measured, by their names. */
  readonly without?: Readonly<Record<string, string>>
  measure(server: ServerProcess, target: Target): Promise<Figure>
}

export function figure(text: string, holds: boolean): Figure {
  return { text, holds }
}

export function seconds(ms: number): string {
  return ms < 995 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

export function mebibytes(bytes: number): string {
  const count = bytes / 2 ** 20
  return count < 0.05 ? 'no growth' : `+${count < 10 ? count.toFixed(1) : Math.round(count)} MiB`
}

/** The time until a condition holds, or undefined if it does not hold in time. */
export async function timed(
  until: (withinMs: number) => Promise<boolean>,
  withinMs: number,
): Promise<number | undefined> {
  const begun = performance.now()
  return (await until(withinMs)) ? performance.now() - begun : undefined
}
