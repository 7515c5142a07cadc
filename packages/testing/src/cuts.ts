import fc from 'fast-check'

/** Calls `read` with copies of the pieces of `bytes`, cut at the given positions. */
export function inPieces(bytes: Uint8Array, cuts: readonly number[], read: (piece: Uint8Array) => void): void {
  const offsets = [0, ...[...cuts].sort((a, b) => a - b), bytes.length]
  for (let index = 1; index < offsets.length; index++) {
    const piece = bytes.slice(offsets[index - 1], offsets[index])
    if (piece.length > 0) read(piece)
  }
}

/**
 * Runs a test on bytes in the ways they can arrive: whole, byte by byte, and in random cuts. `run` receives a function
 * that feeds them to a reader, and must create a new reader each time.
 */
export function inEveryCut(bytes: Uint8Array, run: (feed: (read: (piece: Uint8Array) => void) => void) => void): void {
  const withCuts = (cuts: readonly number[]): void => run((read) => inPieces(bytes, cuts, read))
  withCuts([])
  withCuts(Array.from(bytes, (_, index) => index))
  const randomCuts = fc.array(fc.nat({ max: bytes.length }), { maxLength: 8 })
  fc.assert(fc.property(randomCuts, withCuts), { numRuns: 20, seed: bytes.length })
}

/** The same for asynchronous readers: `run` receives the pieces, each a copy. */
export async function inEveryCutAsync(
  bytes: Uint8Array,
  run: (pieces: readonly Uint8Array[]) => Promise<void>,
): Promise<void> {
  const withCuts = (cuts: readonly number[]): Promise<void> => {
    const pieces: Uint8Array[] = []
    inPieces(bytes, cuts, (piece) => pieces.push(piece))
    return run(pieces)
  }
  await withCuts([])
  await withCuts(Array.from(bytes, (_, index) => index))
  const randomCuts = fc.array(fc.nat({ max: bytes.length }), { maxLength: 8 })
  await fc.assert(fc.asyncProperty(randomCuts, withCuts), { numRuns: 20, seed: bytes.length })
}
