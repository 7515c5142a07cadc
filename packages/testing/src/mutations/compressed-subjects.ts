import { constants, deflateRawSync } from 'node:zlib'
import { createNodeDeflateCodec } from '../../../twoway/dist/runtimes/node/deflate/deflate-codec.js'
import { concat, frame, fromHex, utf8 } from '../bytes.js'
import { deflatePair } from '../harnesses/deflate-pair.js'
import type { Draws } from './draws.js'
import { readFrames } from './frame-subjects.js'
import { mutate } from './mutate.js'
import type { Subject } from './subject.js'

const codec = createNodeDeflateCodec(true)

/** The messages of RFC 7692 §7.2.3, and messages that inflate to the limit of 300 bytes, beyond it, and far beyond. */
const payloads: readonly Uint8Array[] = [
  fromHex('f248cdc9c90700'),
  fromHex('000500faff48656c6c6f00'),
  fromHex('f348cdc9c9070000'),
  fromHex('f24805000000ffffcac9c90700'),
  fromHex('f200110000'),
  fromHex('00'),
  ...['κόσμε 水 😀', 'a'.repeat(299), 'a'.repeat(300), 'a'.repeat(301), 'a'.repeat(300_000)].map(compressed),
]

function compressed(text: string): Uint8Array {
  // Without the tail of every message, §7.2.1.
  return deflateRawSync(utf8(text), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
}

/** A connection in this role with permessage-deflate. */
function compressedFor(role: 'client' | 'server', serverNoContextTakeover: boolean): Subject {
  const settings = { serverNoContextTakeover, clientNoContextTakeover: serverNoContextTakeover }
  return {
    name: `compressed frames to a ${role}${serverNoContextTakeover ? '' : ', with context takeover'}`,
    make(draws) {
      const frames = Array.from({ length: 1 + draws.below(3) }, () => message(draws, role === 'server'))
      return mutate(concat(...frames), draws, 2)
    },
    read(pieces) {
      const server = { ...settings, thresholdBytes: 0 }
      return readFrames(role, pieces, deflatePair({ codec, server, client: { thresholdBytes: 0 } }))
    },
  }
}

/** A message in one or two frames, with its compressed bytes mutated before framing. */
function message(draws: Draws, masked: boolean): Uint8Array {
  const payload = mutate(draws.of(payloads), draws, 2)
  const opcode = draws.once(2) ? 1 : 2
  const reservedBits = draws.once(10) ? 0 : 4
  if (draws.once(2)) return frame({ opcode, payload, reservedBits, masked })
  const cut = draws.below(payload.length + 1)
  return concat(
    frame({ fin: false, opcode, payload: payload.subarray(0, cut), reservedBits, masked }),
    frame({ opcode: 0, payload: payload.subarray(cut), masked }),
  )
}

export const compressedSubjects: readonly Subject[] = [
  compressedFor('server', true),
  compressedFor('client', true),
  compressedFor('server', false),
]
