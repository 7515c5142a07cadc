import type { Ratio } from './results.js'
import type { Row } from './row.js'

/** A number with three significant figures. */
export function figures(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return value.toPrecision(value < 1 ? 2 : 3)
}

/** The cost of a contender: microseconds of processor time, or memory. */
export function costText({ load }: Row, cost: number): string {
  return load.kind === 'idle' ? `${figures(cost / 1024)} KiB` : `${figures(cost)} µs`
}

export function latencyText(micros: number | undefined): string {
  if (micros === undefined) return ''
  return micros < 1000 ? `${Math.round(micros)} µs` : `${figures(micros / 1000)} ms`
}

export function memoryText(bytes: number): string {
  return `${Math.round(bytes / (1 << 20))} MiB`
}

export function ratioText({ ratio, aim }: Ratio): string {
  const text = ratio.toFixed(2)
  return aim === undefined || ratio <= aim ? text : `${text} (aim ${aim})`
}
