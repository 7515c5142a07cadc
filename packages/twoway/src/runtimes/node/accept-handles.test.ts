import assert from 'node:assert/strict'
import type { Server } from 'node:net'
import { describe, test } from 'node:test'
import { acceptHandles } from './accept-handles.js'
import { streamWrap } from './stream-wrap.js'

/** A handle of libuv's that counts how often it was asked to send without delay (TCP_NODELAY). */
class CountingHandle {
  asked = 0
  readonly writeQueueSize = 0
  readonly #answer: number
  onconnection = (_status: number, _handle: unknown): void => {}

  constructor(answer = 0) {
    this.#answer = answer
  }

  setNoDelay(on: boolean): number {
    assert.ok(on)
    this.asked += 1
    return this.#answer
  }

  useUserBuffer(): void {}
  close(): void {}
  readStart(): void {}
  readStop(): void {}
  writeBuffer(): void {}
  writev(): void {}
  shutdown(): void {}
}

/** The handle of a connection that the listening handle has accepted. */
function acceptBy(listening: object): CountingHandle {
  const handle = new CountingHandle()
  let taken = 0
  acceptHandles({ _handle: listening } as unknown as Server, () => {
    taken += 1
  })
  ;(listening as CountingHandle).onconnection(0, handle)
  assert.equal(taken, 1)
  return handle
}

describe('connections that a listening handle accepts', { skip: streamWrap === undefined }, () => {
  test('send without delay: on Linux by inheritance, elsewhere each is asked', () => {
    const listening = new CountingHandle()
    const isLinux = process.platform === 'linux'
    assert.equal(acceptBy(listening).asked, isLinux ? 0 : 1)
    assert.equal(listening.asked, isLinux ? 1 : 0)
  })

  test('are asked each where the listening handle can not be, or refuses', () => {
    assert.equal(acceptBy({ onconnection() {} }).asked, 1)
    assert.equal(acceptBy(new CountingHandle(-22)).asked, 1)
  })
})
