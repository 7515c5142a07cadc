import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { StreamWrap } from '../stream-wrap.js'
import { TlsReading } from './tls-reading.js'

const mebibyte = 1 << 20

/** Reads once from a handle that holds `held` bytes to send, on a socket that was given `written` of them. */
function readOnce(held: number, written: number): { readonly destroyed: Error[]; readonly received: number } {
  const destroyed: Error[] = []
  let received = 0
  const unused = (): number => 0
  const handle = {
    ...{ onread() {}, writeQueueSize: held, useUserBuffer() {}, readStart: unused, readStop: unused },
    ...{ close: unused, writeBuffer: unused, writev: unused, shutdown: unused },
  }
  const idle = { connecting: false, readable: true, writable: true, readableLength: 0, readableEnded: false }
  const socket = {
    ...{ ...idle, _handle: handle, writableLength: 0, setTimeout() {} },
    destroy: (error: Error) => destroyed.push(error),
  }
  const wrap = { streamBaseState: Int32Array.of(5), kReadBytesOrError: 0 } as unknown as StreamWrap
  const reading = TlsReading.of(socket as unknown as TLSSocket, wrap)!
  reading.receive = (_, start, end) => {
    received += end - start
    return true
  }
  socket.writableLength = written
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
