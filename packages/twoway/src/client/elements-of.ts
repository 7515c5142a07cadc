/**
 * The elements of an iterable. A plain array is read by index, so that a replaced `Array.prototype[Symbol.iterator]` has no
 * effect.
 */
export function elementsOf(given: Iterable<unknown>): readonly unknown[] {
  const isPlain = Array.isArray(given) && given[Symbol.iterator] === Array.prototype[Symbol.iterator]
  return isPlain ? given : Array.from(given)
}

/** WebIDL's `sequence<USVString>`, without its treatment of lone surrogates: the lists here refuse them. */
export function textsOf(given: Iterable<unknown>): string[] {
  return elementsOf(given).map((element) => `${element}`)
}
