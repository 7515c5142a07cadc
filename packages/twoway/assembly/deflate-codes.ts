/** Huffman codes of limited length, RFC 1951 §3.2.2, for the compressor in `deflate.ts`. */

import { clear, digitsAt, lengthCountAt, literalCodes, otherSortAt, sortAt, weightsAt } from './deflate-layout'

/** The length of the block with the fixed codes of RFC 1951 §3.2.6, in bits. */
export let fixedBits: u32 = 0

export function clearFixedBits(): void {
  fixedBits = 0
}

/** The address of `sortSymbols`' result. */
let sortedAt: usize = sortAt

/** Sorts the symbols that occur by frequency, rarest first, as `count << 9 | symbol`, and returns their number. */
function sortSymbols(countsAt: usize, symbols: u32): u32 {
  let used: u32 = 0
  let highest: u32 = 0
  for (let group: u32 = 0; group < symbols; group += 4) {
    // Most symbols do not occur.
    let counts = load<u64>(countsAt + (group << 1))
    for (let symbol = group; counts !== 0; symbol++, counts >>>= 16) {
      const times = <u32>counts & 0xffff
      if (times === 0) continue
      store<u32>(sortAt + (used << 2), (times << 9) | symbol)
      used += 1
      highest |= times
    }
  }
  // A radix sort by six bits of the count at a time, lowest first.
  let from = sortAt
  let to = otherSortAt
  for (let shift: u32 = 9; highest !== 0; shift += 6, highest >>>= 6) {
    clear(digitsAt, digitsAt + 4 * 64)
    const end = from + (used << 2)
    for (let at = from; at < end; at += 4) countWide(digitsAt + (((load<u32>(at) >>> shift) & 63) << 2))
    let sum: u32 = 0
    for (let digit: usize = digitsAt; digit < digitsAt + 4 * 64; digit += 4) {
      const here = load<u32>(digit)
      store<u32>(digit, sum)
      sum += here
    }
    for (let at = from; at < end; at += 4) {
      const key = load<u32>(at)
      const digit = digitsAt + (((key >>> shift) & 63) << 2)
      const index = load<u32>(digit)
      store<u32>(to + (index << 2), key)
      store<u32>(digit, index + 1)
    }
    const free = from
    from = to
    to = free
  }
  sortedAt = from
  return used
}

/**
 * Assigns each symbol that occurs a code of at most `mostBits` bits: optimal codes by Moffat and Katajainen's
 * algorithm, shortened if one is too long. Returns the length of all coded symbols in bits. Exported for the test of
 * shortened codes, which few messages need.
 */
export function makeCodes(countsAt: usize, lengthsAt: usize, codesAt: usize, symbols: u32, mostBits: u32): u32 {
  let used = sortSymbols(countsAt, symbols)
  if (used < 2) {
    // A single code would be incomplete, which some inflaters refuse.
    for (let symbol: u32 = 0; used < 2; symbol++) {
      if (load<u16>(countsAt + (symbol << 1)) !== 0) continue
      store<u16>(countsAt + (symbol << 1), 1)
      fixedBits -= 5
      used += 1
    }
    sortSymbols(countsAt, symbols)
  }
  for (let at: usize = 0; at < used << 2; at += 4) store<u32>(weightsAt + at, load<u32>(sortedAt + at) >>> 9)
  measureCodes(used)
  clear(lengthCountAt, lengthCountAt + 4 * 16)
  let kraft: u32 = 0
  for (let index: u32 = 0; index < used; index++) {
    const depth = load<u32>(weightsAt + (index << 2))
    const length = depth < mostBits ? depth : mostBits
    countWide(lengthCountAt + (length << 2))
    kraft += 1 << (mostBits - length)
  }
  // Shortened codes exceed the code space, so the longest of the other codes grow by a bit each.
  while (kraft > (<u32>1) << mostBits) {
    let length = mostBits - 1
    while (load<u32>(lengthCountAt + (length << 2)) === 0) length -= 1
    const shorter = lengthCountAt + (length << 2)
    store<u32>(shorter, load<u32>(shorter) - 1)
    store<u32>(shorter, load<u32>(shorter, 4) + 2, 4)
    const cut = lengthCountAt + (mostBits << 2)
    store<u32>(cut, load<u32>(cut) - 1)
    kraft -= 1
  }
  let at = sortedAt
  let sum: u32 = 0
  for (let length = mostBits; length > 0; length--) {
    for (let left = load<u32>(lengthCountAt + (length << 2)); left > 0; left--) {
      const key = load<u32>(at)
      store<u8>(lengthsAt + (key & 511), <u8>length)
      sum += (key >>> 9) * length
      fixedBits += (key >>> 9) * (symbols === literalCodes ? fixedLength(key & 511) : 5)
      at += 4
    }
  }
  nameCodes(lengthsAt, codesAt, symbols, mostBits)
  return sum
}

/** Replaces the weights, in ascending order, by the lengths of their codes, in descending order. */
function measureCodes(used: u32): void {
  const at = weightsAt
  store<u32>(at, load<u32>(at) + load<u32>(at, 4))
  let root: u32 = 0
  let leaf: u32 = 2
  for (let next: u32 = 1; next < used - 1; next++) {
    let sum: u32 = 0
    for (let child = 0; child < 2; child++) {
      if (leaf >= used || (root < next && load<u32>(at + (root << 2)) < load<u32>(at + (leaf << 2)))) {
        sum += load<u32>(at + (root << 2))
        store<u32>(at + (root << 2), next)
        root += 1
      } else {
        sum += load<u32>(at + (leaf << 2))
        leaf += 1
      }
    }
    store<u32>(at + (next << 2), sum)
  }
  store<u32>(at + ((used - 2) << 2), 0)
  for (let next: i32 = <i32>used - 3; next >= 0; next--) {
    store<u32>(at + (next << 2), load<u32>(at + (load<u32>(at + (next << 2)) << 2)) + 1)
  }
  let available: u32 = 1
  let inner: u32 = 0
  let depth: u32 = 0
  let node: i32 = <i32>used - 2
  let index: i32 = <i32>used - 1
  while (available > 0) {
    while (node >= 0 && load<u32>(at + (node << 2)) === depth) {
      inner += 1
      node -= 1
    }
    while (available > inner) {
      store<u32>(at + (index << 2), depth)
      index -= 1
      available -= 1
    }
    available = 2 * inner
    depth += 1
    inner = 0
  }
}

/** RFC 1951 §3.2.2: codes of one length ascend with their symbols. They are sent with the highest bit first. */
export function nameCodes(lengthsAt: usize, codesAt: usize, symbols: u32, mostBits: u32): void {
  // Replaces the count of each length by its next code.
  let next: u32 = 0
  for (let at = lengthCountAt + 4; at <= lengthCountAt + (mostBits << 2); at += 4) {
    const counted = load<u32>(at)
    store<u32>(at, next)
    next = (next + counted) << 1
  }
  for (let group: u32 = 0; group < symbols; group += 8) {
    let lengths = load<u64>(lengthsAt + group)
    for (let symbol = group; lengths !== 0; symbol++, lengths >>>= 8) {
      const length = <u32>lengths & 15
      if (length === 0) continue
      const nextAt = lengthCountAt + (length << 2)
      const code = load<u32>(nextAt)
      store<u32>(nextAt, code + 1)
      store<u32>(codesAt + (symbol << 2), ((reversed(code) >>> (16 - length)) << 4) | length)
    }
  }
}

function reversed(code: u32): u32 {
  let value = ((code & 0x5555) << 1) | ((code >>> 1) & 0x5555)
  value = ((value & 0x3333) << 2) | ((value >>> 2) & 0x3333)
  value = ((value & 0x0f0f) << 4) | ((value >>> 4) & 0x0f0f)
  return ((value & 0xff) << 8) | (value >>> 8)
}

/** RFC 1951 §3.2.6. */
function fixedLength(symbol: u32): u32 {
  return symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8
}

function countWide(at: usize): void {
  store<u32>(at, load<u32>(at) + 1)
}
