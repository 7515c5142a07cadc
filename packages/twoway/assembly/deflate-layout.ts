/** The memory of `deflate.ts`: the message, its output, and the tables between them. All is laid out by hand. */

/** Longest message in bytes. 64 more bytes behind the input may be read, whatever they contain. */
export const mostInput: u32 = 4096
export const inputAt: usize = 0
export const outputAt: usize = 4160
/** At most 9 bits per byte, with fixed codes. */
const mostOutput: usize = 4992

/** The last position of each hash of three bytes, counted across messages. */
export const headsAt: usize = outputAt + mostOutput
export const hashBits: u32 = 12
/** For each byte of the message, the previous one with the same hash, or `none`. */
export const chainAt: usize = headsAt + (4 << hashBits)
export const none: u32 = 0xffff
/** The symbols of the message: a literal byte, or `distance << 9 | length`. */
export const symbolsAt: usize = chainAt + 2 * mostInput
const symbolsEnd: usize = symbolsAt + 4 * mostInput

export const literalCodes: u32 = 286
export const distanceCodes: u32 = 30
export const lengthCodes: u32 = 19
export const endOfBlock: u32 = 256

/** The frequency of each symbol in each of the three alphabets, u16. */
export const literalCountsAt: usize = symbolsEnd
export const distanceCountsAt: usize = literalCountsAt + 2 * 288
export const lengthCountsAt: usize = distanceCountsAt + 2 * 32
const countsEnd: usize = lengthCountsAt + 2 * 32
/** The length of each symbol's code in bits, u8. */
export const literalLengthsAt: usize = countsEnd
export const distanceLengthsAt: usize = literalLengthsAt + 288
export const lengthLengthsAt: usize = distanceLengthsAt + 32
const lengthsEnd: usize = lengthLengthsAt + 32
/** The code of each symbol that has one, as `bits << 4 | length`, u32. */
export const literalsAt: usize = lengthsEnd
export const distancesAt: usize = literalsAt + 4 * 288
export const lengthsAt: usize = distancesAt + 4 * 32
const codesEnd: usize = lengthsAt + 4 * 32

/** The lengths of the literal and distance codes that are sent, in sequence, and 8 more bytes. */
export const runAt: usize = codesEnd
/** These lengths in the code length alphabet: `extra << 5 | code`, u16. */
export const packedAt: usize = runAt + 336
/** Work space for sorting, u32, and for weights; counts of 64 digits. */
export const sortAt: usize = packedAt + 2 * 320
export const otherSortAt: usize = sortAt + 4 * 288
export const weightsAt: usize = otherSortAt + 4 * 288
export const digitsAt: usize = weightsAt + 4 * 288
/** The number of codes of each length, u32. */
export const lengthCountAt: usize = digitsAt + 4 * 64
/** The order in which the lengths of the code length codes are sent, RFC 1951 §3.2.7. */
export const orderAt: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])

/** Both must be multiples of 16 bytes apart. Faster than memory.fill, which calls into the runtime. */
export function clear(start: usize, end: usize): void {
  for (let at = start; at < end; at += 16) v128.store(at, i32x4.splat(0))
}
