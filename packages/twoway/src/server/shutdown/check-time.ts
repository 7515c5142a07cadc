import { UsageError } from '../../core/errors.js'

/** Throws a UsageError for a time to drain or close that is none. */
export function checkTime(withinMs: number): void {
  if (Number.isFinite(withinMs) && withinMs >= 0) return
  throw new UsageError('optionInvalid', `withinMs must be a number of milliseconds from 0 on, not ${String(withinMs)}`)
}
