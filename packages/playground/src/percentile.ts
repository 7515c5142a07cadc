/**
 * The smallest value that at least `share` (0 to 1) of the values do not exceed (nearest rank).
 * NaN without values. The values may be in any order.
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil(share * sorted.length)))
  return sorted[rank - 1] ?? Number.NaN
}
