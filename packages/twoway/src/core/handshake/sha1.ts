const blockBytes = 64
/** §6.1, H0 to H4. */
const initialWords = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]

/** Words W(0) to W(79) of a block; they hold nothing between two calls. */
const words = new Int32Array(80)

/** The 20 octets of a message's SHA-1, RFC 3174: for Sec-WebSocket-Accept, which keeps no secret, and nothing else. */
export function sha1(message: Uint8Array): Uint8Array {
  const padded = pad(message)
  const state = Int32Array.from(initialWords)
  for (let at = 0; at < padded.length; at += blockBytes) addBlock(state, padded, at)
  const digest = new Uint8Array(4 * state.length)
  for (let at = 0; at < digest.length; at += 1) digest[at] = state[at >> 2]! >>> (24 - 8 * (at & 3))
  return digest
}

/** §4: a one bit, zeros, and the message's length in bits as 64 bits fill up the last block. */
function pad(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((message.length + 1 + 8) / blockBytes) * blockBytes)
  padded.set(message)
  padded[message.length] = 0x80
  let bits = 8 * message.length
  for (let at = padded.length - 1; bits > 0; at -= 1) {
    padded[at] = bits % 256
    bits = Math.floor(bits / 256)
  }
  return padded
}

/** §6.1, with the rounds of §5. */
function addBlock(state: Int32Array, bytes: Uint8Array, start: number): void {
  for (let t = 0, at = start; t < 16; t += 1, at += 4) {
    words[t] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  }
  for (let t = 16; t < 80; t += 1) {
    words[t] = rotate(words[t - 3]! ^ words[t - 8]! ^ words[t - 14]! ^ words[t - 16]!, 1)
  }

  let a = state[0]!
  let b = state[1]!
  let c = state[2]!
  let d = state[3]!
  let e = state[4]!
  for (let t = 0; t < 80; t += 1) {
    const next = (rotate(a, 5) + mix(t, b, c, d) + e + words[t]!) | 0
    e = d
    d = c
    c = rotate(b, 30)
    b = a
    a = next
  }
  state[0]! += a
  state[1]! += b
  state[2]! += c
  state[3]! += d
  state[4]! += e
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
