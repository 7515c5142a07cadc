import { Buffer } from 'node:buffer'
import zlib, { type InflateRaw } from 'node:zlib'

const { Z_SYNC_FLUSH } = zlib.constants

/**
 * Empty blocks that are not compressed, RFC 1951 §3.2.4. Between two blocks they give no output and change nothing. Within
 * a block they are read as its data, which gives output or an error. They are as many as the description of a block's
 * codes may be long, which gives no output itself.
 */
const emptyBlocks = Buffer.from('000000ffff'.repeat(64), 'hex')

/** Finds out by public calls alone whether a stream that has taken all its input is between two blocks. */
export function findBlockEnd(stream: InflateRaw, answer: (isBetweenBlocks: boolean) => void): void {
  let isBetweenBlocks = true
  let isAnswered = false
  const isWithin = (): void => {
    isBetweenBlocks = false
  }
  const conclude = (): void => {
    if (isAnswered) return
    isAnswered = true
    stream.off('data', isWithin).off('end', fail).off('error', fail)
    answer(isBetweenBlocks)
  }
  const fail = (): void => {
    isWithin()
    conclude()
  }
  stream.on('data', isWithin).on('end', fail).on('error', fail)
  stream.write(emptyBlocks)
  // A stream that fails calls back before it emits the error.
  stream.flush(Z_SYNC_FLUSH, () => (stream.destroyed ? fail() : conclude()))
}
