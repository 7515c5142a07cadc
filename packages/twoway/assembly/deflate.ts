/**
 * Compresses one short message with DEFLATE, RFC 1951, as one block. AssemblyScript: `npm run build` compiles it into
 * `src/runtimes/node/deflate/deflate-module.ts`.
 *
 * zlib is made for files: for a short message, it spends most of its time on clearing a table of 64 KiB and on building
 * three Huffman trees with heaps (`npm run bench:micro -- compress` shows both compressors). Here the table is never
 * cleared, as its entries are numbered across messages, and code lengths come from a sort of the symbols that occur.
 * Beyond 4 KiB, zlib's better search for matches pays.
 */

import { clearFixedBits, fixedBits, makeCodes, nameCodes } from './deflate-codes'
import {
  chainAt,
  clear,
  distanceCodes,
  distanceCountsAt,
  distanceLengthsAt,
  distancesAt,
  endOfBlock,
  hashBits,
  headsAt,
  inputAt,
  lengthCodes,
  lengthCountAt,
  lengthCountsAt,
  lengthLengthsAt,
  lengthsAt,
  literalCodes,
  literalCountsAt,
  literalLengthsAt,
  literalsAt,
  mostInput,
  none,
  orderAt,
  outputAt,
  packedAt,
  runAt,
  symbolsAt,
} from './deflate-layout'

// The test of shortened codes calls it.
export { makeCodes }

/** Maximum number of candidates for one match, and the length from which a match is not deferred. */
const mostCandidates: u32 = 32
const goodLength: u32 = 32
const longestMatch: u32 = 258

/** The number of the message's first byte; 0 means no byte. Exported for the test of its overflow. */
export let base: u32 = 1
let symbolEnd: usize = symbolsAt
let bits: u64 = 0
let bitCount: u32 = 0
let outputEnd: usize = outputAt

/**
 * Compresses the message of `length` bytes at `inputAt` and returns the length of the output at `outputAt`: a block
 * without BFINAL, and an empty one without its last four bytes, RFC 7692 §7.2.1. The message must not be empty.
 */
export function deflate(length: u32): u32 {
  if (base > 0xffffffff - 2 * mostInput) {
    memory.fill(headsAt, 0, 4 << hashBits)
    base = 1
  }
  // The counts and the lengths, which end where the codes begin.
  clear(literalCountsAt, literalsAt)
  findMatches(length)
  base += length
  return writeBlock()
}

function hash(at: u32): usize {
  return headsAt + ((<usize>(((load<u32>(inputAt + at) << 8) * 0x9e3779b1) >>> (32 - hashBits))) << 2)
}

/** Enters a byte into the table and returns the previous one with its hash, or `none`. */
function enter(at: u32): u32 {
  const head = hash(at)
  const seen = load<u32>(head)
  const before = seen >= base ? seen - base : none
  store<u32>(head, base + at)
  store<u16>(chainAt + (at << 1), <u16>before)
  return before
}

function lengthOfMatch(one: u32, other: u32, most: u32): u32 {
  let length: u32 = 0
  while (length < most) {
    const difference = load<u64>(inputAt + one + length) ^ load<u64>(inputAt + other + length)
    if (difference !== 0) {
      length += <u32>(ctz(difference) >>> 3)
      return length < most ? length : most
    }
    length += 8
  }
  return most
}

/** The longest match of more than `least` bytes as `distance << 9 | length`; 0 if there is none. */
function longest(at: u32, first: u32, end: u32, least: u32): u32 {
  const room = end - at
  const most = room < longestMatch ? room : longestMatch
  let best: u32 = 0
  let bestLength = least
  if (most <= bestLength) return 0
  let candidate = first
  for (let left = mostCandidates; left > 0 && candidate !== none; left--) {
    if (load<u8>(inputAt + candidate + bestLength) === load<u8>(inputAt + at + bestLength)) {
      const length = lengthOfMatch(candidate, at, most)
      if (length > bestLength) {
        bestLength = length
        best = ((at - candidate) << 9) | length
        if (length === most) break
      }
    }
    candidate = load<u16>(chainAt + (candidate << 1))
  }
  return best
}

function count(at: usize): void {
  store<u16>(at, load<u16>(at) + 1)
}

function addLiteral(byte: u32): void {
  store<u32>(symbolEnd, byte)
  symbolEnd += 4
  count(literalCountsAt + (byte << 1))
}

function addMatch(match: u32): void {
  store<u32>(symbolEnd, match)
  symbolEnd += 4
  count(literalCountsAt + (lengthCode(match & 511) << 1))
  count(distanceCountsAt + (distanceCode(match >>> 9) << 1))
}

/** RFC 1951 §3.2.5. */
function lengthCode(length: u32): u32 {
  const over = length - 3
  if (over < 8) return 257 + over
  if (length === longestMatch) return 285
  const power = 31 - clz(over)
  return 257 + ((power - 1) << 2) + ((over >>> (power - 2)) & 3)
}

/** RFC 1951 §3.2.5. */
function distanceCode(distance: u32): u32 {
  const over = distance - 1
  if (over < 4) return over
  const power = 31 - clz(over)
  return (power << 1) + ((over >>> (power - 1)) & 1)
}

/** Converts the message to symbols. A match is deferred if the next byte begins a longer one, as in zlib. */
function findMatches(length: u32): void {
  symbolEnd = symbolsAt
  const lastHash: u32 = length < 3 ? 0 : length - 2
  let at: u32 = 0
  let waiting: u32 = 0
  while (at < length) {
    const before = at < lastHash ? enter(at) : none
    const least: u32 = waiting === 0 ? 2 : waiting & 511
    const match = before === none || least >= goodLength ? 0 : longest(at, before, length, least)
    if (waiting === 0) {
      if (match === 0) addLiteral(load<u8>(inputAt + at))
      waiting = match
      at += 1
    } else if (match === 0) {
      addMatch(waiting)
      const end = at - 1 + (waiting & 511)
      const until = end < lastHash ? end : lastHash
      for (at += 1; at < until; at++) enter(at)
      at = end
      waiting = 0
    } else {
      addLiteral(load<u8>(inputAt + at - 1))
      waiting = match
      at += 1
    }
  }
  if (waiting !== 0) addMatch(waiting)
  count(literalCountsAt + (endOfBlock << 1))
}

function put(value: u32, count: u32): void {
  bits |= (<u64>value) << bitCount
  bitCount += count
}

/** At most 56 bits may be put between two calls. */
function flush(): void {
  store<u64>(outputEnd, bits)
  const bytes = bitCount >>> 3
  outputEnd += bytes
  bits >>>= bytes << 3
  bitCount &= 7
}

function putCode(code: u32): void {
  put(code >>> 4, code & 15)
}

function writeBlock(): u32 {
  clearFixedBits()
  let own = makeCodes(literalCountsAt, literalLengthsAt, literalsAt, literalCodes, 15)
  own += makeCodes(distanceCountsAt, distanceLengthsAt, distancesAt, distanceCodes, 15)
  const fixed = fixedBits
  bits = 0
  bitCount = 0
  outputEnd = outputAt
  const literals = usedCodes(literalLengthsAt, 257, literalCodes)
  const distances = usedCodes(distanceLengthsAt, 1, distanceCodes)
  const packedEnd = packLengths(literals, distances)
  own += 14 + extraBits + makeCodes(lengthCountsAt, lengthLengthsAt, lengthsAt, lengthCodes, 7)
  let lengths: u32 = lengthCodes
  while (lengths > 4 && load<u8>(lengthLengthsAt + <usize>load<u8>(orderAt + lengths - 1)) === 0) lengths -= 1
  if (own + 3 * lengths < fixed) {
    // §3.2.7: not the last block, dynamic codes.
    put(4 | ((literals - 257) << 3) | ((distances - 1) << 8) | ((lengths - 4) << 13), 17)
    for (let index: u32 = 0; index < lengths; index++) {
      flush()
      put(load<u8>(lengthLengthsAt + <usize>load<u8>(orderAt + index)), 3)
    }
    for (let at = packedAt; at < packedEnd; at += 2) {
      flush()
      const packed = <u32>load<u16>(at)
      const code = packed & 31
      putCode(load<u32>(lengthsAt + (code << 2)))
      if (code >= 16) put(packed >>> 5, extraOfLengths(code))
    }
  } else {
    put(2, 3)
    nameFixedCodes()
  }
  flush()
  writeSymbols()
  putCode(load<u32>(literalsAt + (endOfBlock << 2)))
  // An empty stored block without its tail.
  put(0, 3)
  flush()
  return <u32>(outputEnd - outputAt) + (bitCount > 0 ? 1 : 0)
}

function writeSymbols(): void {
  for (let at = symbolsAt; at < symbolEnd; at += 4) {
    const symbol = load<u32>(at)
    if (symbol < 256) {
      putCode(load<u32>(literalsAt + (symbol << 2)))
    } else {
      const over = (symbol & 511) - 3
      const length = lengthCode(symbol & 511)
      putCode(load<u32>(literalsAt + (length << 2)))
      if (over >= 8 && length !== 285) {
        const extra = 29 - clz(over)
        put(over & ((1 << extra) - 1), extra)
      }
      const before = (symbol >>> 9) - 1
      putCode(load<u32>(distancesAt + (distanceCode(before + 1) << 2)))
      if (before >= 4) {
        const extra = 30 - clz(before)
        put(before & ((1 << extra) - 1), extra)
      }
    }
    flush()
  }
}

function usedCodes(lengthsAt: usize, least: u32, most: u32): u32 {
  let used = most
  while (used > least && load<u8>(lengthsAt + used - 1) === 0) used -= 1
  return used
}

function extraOfLengths(code: u32): u32 {
  return code === 16 ? 2 : code === 17 ? 3 : 7
}

function pack(end: usize, code: u32, extra: u32): usize {
  store<u16>(end, <u16>((extra << 5) | code))
  if (code >= 16) extraBits += extraOfLengths(code)
  count(lengthCountsAt + (code << 1))
  return end + 2
}

/** Total of the extra bits of the packed lengths. */
let extraBits: u32 = 0

/** §3.2.7: packs the lengths of all codes in sequence, with run lengths. Returns the end. */
function packLengths(literals: u32, distances: u32): usize {
  for (let at: usize = 0; at < literals; at += 16) v128.store(runAt + at, v128.load(literalLengthsAt + at))
  v128.store(runAt + literals, v128.load(distanceLengthsAt))
  v128.store(runAt + literals, v128.load(distanceLengthsAt, 16), 16)
  const end = runAt + literals + distances
  // A value that ends any run.
  store<u64>(end, u64.MAX_VALUE)
  extraBits = 0
  let packedEnd = packedAt
  let at = runAt
  while (at < end) {
    const length = <u32>load<u8>(at)
    let after = at + 1
    if (length === 0) while (load<u64>(after) === 0) after += 8
    while (<u32>load<u8>(after) === length) after += 1
    let run = <u32>(after - at)
    at = after
    if (length === 0) {
      while (run >= 11) {
        const taken: u32 = run < 138 ? run : 138
        packedEnd = pack(packedEnd, 18, taken - 11)
        run -= taken
      }
      if (run >= 3) {
        packedEnd = pack(packedEnd, 17, run - 3)
        run = 0
      }
    } else {
      packedEnd = pack(packedEnd, length, 0)
      run -= 1
      while (run >= 3) {
        const taken: u32 = run < 6 ? run : 6
        packedEnd = pack(packedEnd, 16, taken - 3)
        run -= taken
      }
    }
    for (; run > 0; run--) packedEnd = pack(packedEnd, length, 0)
  }
  return packedEnd
}

/** RFC 1951 §3.2.6. */
function nameFixedCodes(): void {
  memory.fill(literalLengthsAt, 8, 144)
  memory.fill(literalLengthsAt + 144, 9, 112)
  memory.fill(literalLengthsAt + 256, 7, 24)
  memory.fill(literalLengthsAt + 280, 8, 8)
  clear(lengthCountAt, lengthCountAt + 4 * 16)
  store<u32>(lengthCountAt + 4 * 7, 24)
  store<u32>(lengthCountAt + 4 * 8, 152)
  store<u32>(lengthCountAt + 4 * 9, 112)
  nameCodes(literalLengthsAt, literalsAt, 288, 15)
  memory.fill(distanceLengthsAt, 5, 32)
  clear(lengthCountAt, lengthCountAt + 4 * 16)
  store<u32>(lengthCountAt + 4 * 5, 32)
  nameCodes(distanceLengthsAt, distancesAt, 32, 15)
}
