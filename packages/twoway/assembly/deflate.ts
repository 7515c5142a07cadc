/**
 * Compresses one short message with DEFLATE, RFC 1951, as one block. AssemblyScript: `npm run build` compiles it into
 * `src/runtimes/node/deflate/deflate-module.ts`.
 *
 * zlib is made for files: for a short message, it spends most of its time on clearing a table of 64 KiB and on building
 * three Huffman trees with heaps (`npm run bench:micro -- compress` shows both compressors). Here the table is never
 * cleared, as its entries are numbered across messages, and code lengths come from a sort of the symbols that occur.
 * Beyond 4 KiB, zlib's better search for matches pays.
 */

/** Longest message in bytes. 64 more bytes behind the input may be read, whatever they contain. */
const mostInput: u32 = 4096
const inputAt: usize = 0
const outputAt: usize = 4160
/** At most 9 bits per byte, with fixed codes. */
const mostOutput: usize = 4992

/** The last position of each hash of three bytes, counted across messages. */
const headsAt: usize = outputAt + mostOutput
const hashBits: u32 = 12
/** For each byte of the message, the previous one with the same hash, or `none`. */
const chainAt: usize = headsAt + (4 << hashBits)
const none: u32 = 0xffff
/** The symbols of the message: a literal byte, or `distance << 9 | length`. */
const symbolsAt: usize = chainAt + 2 * mostInput
const symbolsEnd: usize = symbolsAt + 4 * mostInput

const literalCodes: u32 = 286
const distanceCodes: u32 = 30
const lengthCodes: u32 = 19
const endOfBlock: u32 = 256

/** The frequency of each symbol in each of the three alphabets, u16. */
const literalCountsAt: usize = symbolsEnd
const distanceCountsAt: usize = literalCountsAt + 2 * 288
const lengthCountsAt: usize = distanceCountsAt + 2 * 32
const countsEnd: usize = lengthCountsAt + 2 * 32
/** The length of each symbol's code in bits, u8. */
const literalLengthsAt: usize = countsEnd
const distanceLengthsAt: usize = literalLengthsAt + 288
const lengthLengthsAt: usize = distanceLengthsAt + 32
const lengthsEnd: usize = lengthLengthsAt + 32
/** The code of each symbol that has one, as `bits << 4 | length`, u32. */
const literalsAt: usize = lengthsEnd
const distancesAt: usize = literalsAt + 4 * 288
const lengthsAt: usize = distancesAt + 4 * 32
const codesEnd: usize = lengthsAt + 4 * 32

/** The lengths of the literal and distance codes that are sent, in sequence, and 8 more bytes. */
const runAt: usize = codesEnd
/** These lengths in the code length alphabet: `extra << 5 | code`, u16. */
const packedAt: usize = runAt + 336
/** Work space for sorting, u32, and for weights; counts of 64 digits. */
const sortAt: usize = packedAt + 2 * 320
const otherSortAt: usize = sortAt + 4 * 288
const weightsAt: usize = otherSortAt + 4 * 288
const digitsAt: usize = weightsAt + 4 * 288
/** The number of codes of each length, u32. */
const lengthCountAt: usize = digitsAt + 4 * 64
/** The order in which the lengths of the code length codes are sent, RFC 1951 §3.2.7. */
const orderAt: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])

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
  clear(literalCountsAt, lengthsEnd)
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

/** Both must be multiples of 16 bytes apart. Faster than memory.fill, which calls into the runtime. */
function clear(start: usize, end: usize): void {
  for (let at = start; at < end; at += 16) v128.store(at, i32x4.splat(0))
}

function count(at: usize): void {
  store<u16>(at, load<u16>(at) + 1)
}

function countWide(at: usize): void {
  store<u32>(at, load<u32>(at) + 1)
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

/** The length of the block with the fixed codes of RFC 1951 §3.2.6, in bits. */
let fixedBits: u32 = 0
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
function nameCodes(lengthsAt: usize, codesAt: usize, symbols: u32, mostBits: u32): void {
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
  fixedBits = 0
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

function fixedLength(symbol: u32): u32 {
  return symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8
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
