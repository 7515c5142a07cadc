const blockBytes = 64
/** §6.1, H0 to H4. */
const initialWords = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0)

/** Words W(0) to W(79) of a block. Their contents are not kept between calls. */
const words = new Int32Array(80)
const state = new Int32Array(initialWords.length)
const digest = new Uint8Array(4 * initialWords.length)
/** Reused for messages of up to two blocks, such as those of handshakes. */
const shortPadded = new Uint8Array(2 * blockBytes)

/**
 * The SHA-1 digest of a message, 20 bytes, RFC 3174; valid until the next call. Only for Sec-WebSocket-Accept, which
 * protects no secret. For such short messages it is as fast as a call of OpenSSL.
 */
export function sha1(message: Uint8Array): Uint8Array {
  const padded = pad(message)
  state.set(initialWords)
  for (let at = 0; at < padded.length; at += blockBytes) addBlock(padded, at)
  for (let at = 0; at < digest.length; at += 1) digest[at] = state[at >> 2]! >>> (24 - 8 * (at & 3))
  return digest
}

/** §4: a one bit, zeros, and the message's length in bits as a 64-bit number fill up the last block. */
function pad(message: Uint8Array): Uint8Array {
  const length = Math.ceil((message.length + 1 + 8) / blockBytes) * blockBytes
  const padded = length === shortPadded.length ? shortPadded.fill(0) : new Uint8Array(length)
  padded.set(message)
  padded[message.length] = 0x80
  let bits = 8 * message.length
  for (let at = padded.length - 1; bits > 0; at -= 1) {
    padded[at] = bits % 256
    bits = Math.floor(bits / 256)
  }
  return padded
}

/** §6.1, with the rounds of §5. Each function has a loop of its own; a test in each round would take twice as long. */
function addBlock(bytes: Uint8Array, start: number): void {
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
  for (let t = 0; t < 20; t += 1) {
    const next = (rotate(a, 5) + ((b & c) | (~b & d)) + e + words[t]! + 0x5a827999) | 0
    e = d
    d = c
    c = rotate(b, 30)
    b = a
    a = next
  }
  for (let t = 20; t < 40; t += 1) {
    const next = (rotate(a, 5) + (b ^ c ^ d) + e + words[t]! + 0x6ed9eba1) | 0
    e = d
    d = c
    c = rotate(b, 30)
    b = a
    a = next
  }
  for (let t = 40; t < 60; t += 1) {
    const next = (rotate(a, 5) + ((b & c) | (b & d) | (c & d)) + e + words[t]! + 0x8f1bbcdc) | 0
    e = d
    d = c
    c = rotate(b, 30)
    b = a
    a = next
  }
  for (let t = 60; t < 80; t += 1) {
    const next = (rotate(a, 5) + (b ^ c ^ d) + e + words[t]! + 0xca62c1d6) | 0
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

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
