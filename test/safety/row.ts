import type { ServerProcess, Target } from './server-process.js'
import type { Mode } from './servers/commands.js'

/** What was measured on one server. */
export interface Figure {
  readonly text: string
  readonly holds: boolean
}

/** A property that is measured, and what Twoway promises of it. */
export interface Row {
  readonly property: string
  readonly promise: string
  /** What the server is to do: echo, where nothing else is said. */
  readonly mode?: Mode
  /** Descriptors that its process may have. */
  readonly descriptors?: number
  /** Why a target is not measured, by its name. */
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

/** How long something took, or undefined where it did not come to be in time. */
export async function timed(
  until: (withinMs: number) => Promise<boolean>,
  withinMs: number,
): Promise<number | undefined> {
  const begun = performance.now()
  return (await until(withinMs)) ? performance.now() - begun : undefined
}
