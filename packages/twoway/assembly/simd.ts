/**
 * Operations on the bytes that the network has put into WebAssembly memory, sixteen at a time. AssemblyScript: `npm run
 * build` compiles it into `src/runtimes/node/payload/simd-module.ts`.
 */

/**
 * Applies a masking key to memory[start, end) in place, RFC 6455 §5.3. The key's lowest eight bits are for the first
 * byte. Returns whether all resulting bytes are ASCII, which the same pass computes.
 */
export function unmask(start: usize, end: usize, key: u32): bool {
  const keys = i32x4.splat(key)
  let seen = i32x4.splat(0)
  let at = start
  while (at + 64 <= end) {
    const a = v128.xor(v128.load(at), keys)
    const b = v128.xor(v128.load(at, 16), keys)
    const c = v128.xor(v128.load(at, 32), keys)
    const d = v128.xor(v128.load(at, 48), keys)
    v128.store(at, a)
    v128.store(at, b, 16)
    v128.store(at, c, 32)
    v128.store(at, d, 48)
    seen = v128.or(seen, v128.or(v128.or(a, b), v128.or(c, d)))
    at += 64
  }
  while (at + 16 <= end) {
    const a = v128.xor(v128.load(at), keys)
    v128.store(at, a)
    seen = v128.or(seen, a)
    at += 16
  }
  let rest: u32 = 0
  while (at < end) {
    const byte = load<u8>(at) ^ (key & 0xff)
    store<u8>(at, byte)
    rest |= byte
    key = rotr<u32>(key, 8)
    at += 1
  }
  return ((rest & 0x80) | i8x16.bitmask(seen)) === 0
}
