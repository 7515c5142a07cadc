/** Throws a TypeError if the options are no object, or if the function has no option of a name. */
export function refuseUnknown(owner: string, options: object, known: Readonly<Record<string, true>>): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`the options of ${owner} must be an object, not ${shown(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue
    throw new TypeError(
      `there is no option ${shown(name)} of ${owner}: the options are ${Object.keys(known).join(', ')}`,
    )
  }
}

/** Throws a TypeError that names the first of these options that is no whole number above 0. */
export function checkCounts(options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isSafeInteger(value) || (value as number) < 1) {
      throw new TypeError(`${name} must be a whole number above 0, not ${shown(value)}`)
    }
  }
}

/** A value as an error shows it. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
