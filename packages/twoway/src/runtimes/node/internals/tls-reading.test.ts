import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { StreamHandle } from './stream-handle.js'
import type { StreamWrap } from './stream-wrap.js'
import { TlsReading } from './tls-reading.js'

const mebibyte = 1 << 20

/** Reads once from a handle that holds `held` bytes to send, on a socket that was given `written` of them. */
function readOnce(held: number, written: number): { readonly destroyed: Error[]; readonly received: number } {
  const destroyed: Error[] = []
  let received = 0
  const handle = { onread() {}, writeQueueSize: held, useUserBuffer() {}, readStart: () => 0, readStop: () => 0 }
  const socket = { _handle: handle, writableLength: written, destroy: (error: Error) => destroyed.push(error) }
  const wrap = { streamBaseState: Int32Array.of(5), kReadBytesOrError: 0 } as unknown as StreamWrap
  const reading = TlsReading.of(socket as unknown as TLSSocket, handle as unknown as StreamHandle, wrap)!
  reading.receive = (_, start, end) => {
    received += end - start
    return true
  }
  handle.onread()
  return { destroyed, received }
}

describe('a TLS connection that reads into the shared memory', () => {
  test('delivers while no more waits to be sent than was written, encrypted', () => {
    for (const [held, written] of [
      [0, 0],
      [mebibyte, 0],
      [8 * mebibyte, 6 * mebibyte],
    ] as const) {
      assert.deepEqual(readOnce(held, written), { destroyed: [], received: 5 })
    }
  })

  test('ends where OpenSSL has answered by more than a mebibyte that the peer has not read, RFC 8446 §4.6.3', () => {
    const { destroyed, received } = readOnce(mebibyte + 1, 0)
    assert.match(destroyed[0]!.message, /^the peer asked for new keys of TLS again and again/)
    assert.equal(received, 0)
  })
})
