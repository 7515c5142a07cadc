/**
 * The states of a UTF-8 decoder between two bytes: what may follow (RFC 3629 §4). The second byte of a character has a
 * narrower range if the first would otherwise allow an overlong form, a surrogate or a code point above U+10FFFF.
 */
const expected = {
  anyCharacter: 0,
  oneMore: 1,
  twoMore: 2,
  threeMore: 3,
  secondAfterE0: 4,
  secondAfterED: 5,
  secondAfterF0: 6,
  secondAfterF4: 7,
} as const

type Expected = (typeof expected)[keyof typeof expected]

const transitions: readonly (readonly [from: Expected, first: number, last: number, to: Expected])[] = [
  [expected.anyCharacter, 0x00, 0x7f, expected.anyCharacter],
  [expected.anyCharacter, 0xc2, 0xdf, expected.oneMore],
  [expected.anyCharacter, 0xe0, 0xe0, expected.secondAfterE0],
  [expected.anyCharacter, 0xe1, 0xec, expected.twoMore],
  [expected.anyCharacter, 0xed, 0xed, expected.secondAfterED],
  [expected.anyCharacter, 0xee, 0xef, expected.twoMore],
  [expected.anyCharacter, 0xf0, 0xf0, expected.secondAfterF0],
  [expected.anyCharacter, 0xf1, 0xf3, expected.threeMore],
  [expected.anyCharacter, 0xf4, 0xf4, expected.secondAfterF4],
  [expected.oneMore, 0x80, 0xbf, expected.anyCharacter],
  [expected.twoMore, 0x80, 0xbf, expected.oneMore],
  [expected.threeMore, 0x80, 0xbf, expected.twoMore],
  [expected.secondAfterE0, 0xa0, 0xbf, expected.oneMore],
  [expected.secondAfterED, 0x80, 0x9f, expected.oneMore],
  [expected.secondAfterF0, 0x90, 0xbf, expected.twoMore],
  [expected.secondAfterF4, 0x80, 0x8f, expected.twoMore],
]

/** The next state at index `state << 8 | byte`, or -1. */
const nextStates = new Int8Array(8 << 8).fill(-1)
for (const [from, first, last, to] of transitions) nextStates.fill(to, (from << 8) | first, ((from << 8) | last) + 1)

/**
 * Checks UTF-8 incrementally, RFC 3629. `state` is 0 at the start of a text, then the result of the previous call.
 * Returns the next state, 0 after a complete character, or -1 at the first invalid byte.
 */
export function validateUtf8(state: number, bytes: Uint8Array, start: number, end: number): number {
  let next = state
  let at = start
  while (at < end) {
    if (next === 0) {
      at = skipAscii(bytes, at, end)
      if (at === end) return 0
    }
    next = nextStates[(next << 8) | bytes[at]!]!
    if (next < 0) return -1
    at += 1
  }
  return next
}

/** The index of the first byte above 0x7f, or `end`. */
export function skipAscii(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  for (const eights = end - 7; at < eights; at += 8) {
    const union =
      bytes[at]! |
      bytes[at + 1]! |
      bytes[at + 2]! |
      bytes[at + 3]! |
      bytes[at + 4]! |
      bytes[at + 5]! |
      bytes[at + 6]! |
      bytes[at + 7]!
    if (union > 0x7f) break
  }
  while (at < end && bytes[at]! <= 0x7f) at += 1
  return at
}
