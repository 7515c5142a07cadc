const blockBytes = 64
const digestBytes = 20
/** §6.1, H0 to H4. */
const initialWords = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]

/** The 20 octets of a message's SHA-1, RFC 3174: for Sec-WebSocket-Accept, which keeps no secret, and nothing else. */
export function sha1(message: Uint8Array): Uint8Array {
  const blocks = pad(message)
  const state = Uint32Array.from(initialWords)
  for (let at = 0; at < blocks.byteLength; at += blockBytes) addBlock(state, blocks, at)
  const digest = new DataView(new ArrayBuffer(digestBytes))
  for (const [index, word] of state.entries()) digest.setUint32(4 * index, word)
  return new Uint8Array(digest.buffer)
}

/** §4: a one bit, zeros, and the message's length in bits as 64 bits fill up the last block. */
function pad(message: Uint8Array): DataView {
  const length = Math.ceil((message.length + 1 + 8) / blockBytes) * blockBytes
  const padded = new Uint8Array(length)
  padded.set(message)
  padded[message.length] = 0x80
  const blocks = new DataView(padded.buffer)
  blocks.setBigUint64(length - 8, 8n * BigInt(message.length))
  return blocks
}

/** §6.1, with the rounds of §5. */
function addBlock(state: Uint32Array, blocks: DataView, at: number): void {
  const words = new Uint32Array(80)
  for (let t = 0; t < 16; t++) words[t] = blocks.getUint32(at + 4 * t)
  for (let t = 16; t < 80; t++) words[t] = rotate(words[t - 3]! ^ words[t - 8]! ^ words[t - 14]! ^ words[t - 16]!, 1)

  let [a = 0, b = 0, c = 0, d = 0, e = 0] = state
  for (let t = 0; t < 80; t++) {
    const next = (rotate(a, 5) + mix(t, b, c, d) + e + words[t]!) | 0
    e = d
    d = c
    c = rotate(b, 30)
    b = a
    a = next
  }
  for (const [index, word] of [a, b, c, d, e].entries()) state[index]! += word
}

/** The function and the constant of round `t`. */
function mix(t: number, b: number, c: number, d: number): number {
  if (t < 20) return ((b & c) | (~b & d)) + 0x5a827999
  if (t < 40) return (b ^ c ^ d) + 0x6ed9eba1
  if (t < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
  return (b ^ c ^ d) + 0xca62c1d6
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
