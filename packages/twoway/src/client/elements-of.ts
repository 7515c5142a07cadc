/**
 * The elements of an iterable. Those of a plain array are taken by their indices, so that a program that replaces
 * `Array.prototype[Symbol.iterator]` changes nothing.
 */
export function elementsOf(given: Iterable<unknown>): readonly unknown[] {
  const isPlain = Array.isArray(given) && given[Symbol.iterator] === Array.prototype[Symbol.iterator]
  return isPlain ? given : Array.from(given)
}

/** WebIDL's `sequence<USVString>`, but for lone surrogates, which no list of ours may have. */
export function textsOf(given: Iterable<unknown>): string[] {
  return elementsOf(given).map((element) => `${element}`)
}
