import { concat } from '../bytes.js'
import type { Draws } from './draws.js'

/** Bytes with a meaning: opcodes, lengths, masks, UTF-8, line ends, the digits of a status. */
const telling = Uint8Array.from([
  0x00, 0x01, 0x02, 0x03, 0x08, 0x09, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x3a, 0x3b, 0x3d, 0x7d, 0x7e, 0x7f, 0x80, 0x81,
  0x82, 0x83, 0x88, 0x89, 0x8a, 0xbf, 0xc0, 0xc1, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xf5, 0xfe, 0xff,
])

type Mutation = (bytes: Uint8Array, draws: Draws) => Uint8Array

const mutations: readonly Mutation[] = [
  function flipBit(bytes, draws) {
    return overwrite(bytes, draws.below(bytes.length), (byte) => byte ^ (1 << draws.below(8)))
  },
  function setByte(bytes, draws) {
    return overwrite(bytes, draws.below(bytes.length), () => draws.of(telling))
  },
  function setAnyByte(bytes, draws) {
    return overwrite(bytes, draws.below(bytes.length), () => draws.below(256))
  },
  function addOne(bytes, draws) {
    return overwrite(bytes, draws.below(bytes.length), (byte) => byte + (draws.once(2) ? 1 : 255))
  },
  function insert(bytes, draws) {
    const at = draws.below(bytes.length + 1)
    const added = Uint8Array.from({ length: 1 + draws.below(4) }, () => draws.of(telling))
    return concat(bytes.subarray(0, at), added, bytes.subarray(at))
  },
  function remove(bytes, draws) {
    const [start, end] = range(bytes, draws)
    return concat(bytes.subarray(0, start), bytes.subarray(end))
  },
  function repeat(bytes, draws) {
    const [start, end] = range(bytes, draws)
    return concat(bytes.subarray(0, end), bytes.subarray(start, end), bytes.subarray(end))
  },
  function cutOff(bytes, draws) {
    return bytes.slice(0, draws.below(bytes.length + 1))
  },
]

/** Applies up to `most` mutations, and sometimes none. */
export function mutate(bytes: Uint8Array, draws: Draws, most: number): Uint8Array {
  let mutated = bytes
  for (let left = draws.below(most + 1); left > 0 && mutated.length > 0; left--) {
    mutated = draws.of(mutations)(mutated, draws)
  }
  return mutated
}

function overwrite(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  const changed = bytes.slice()
  changed[at] = change(bytes[at]!)
  return changed
}

function range(bytes: Uint8Array, draws: Draws): [start: number, end: number] {
  const start = draws.below(bytes.length)
  return [start, Math.min(bytes.length, start + 1 + draws.below(24))]
}
