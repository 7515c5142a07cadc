/** Shorter ranges are copied in a loop, which costs less than creating a view (`npm run bench:micro -- write`). */
const viewFrom = 48

/** Copies `source[start, end)` to `target` from `at` on. The two do not overlap. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  if (end - start < viewFrom) for (let from = start, to = at; from < end; from += 1, to += 1) target[to] = source[from]!
  else target.set(start === 0 && end === source.length ? source : source.subarray(start, end), at)
}
