import assert from 'node:assert/strict'
import type { Server } from 'node:net'
import { describe, test } from 'node:test'
import { takeConnections } from './take-connections.js'

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

/** The handles of connections that the listening handle accepts, one after the other. */
function acceptBy(listening: object, connections: number, mayWait?: number): CountingHandle[] {
  let taken = 0
  const server = { _handle: listening } as unknown as Server
  const take = (): void => {
    taken += 1
  }
  assert.ok(takeConnections(server, take, mayWait))
  const handles = Array.from({ length: connections }, () => new CountingHandle())
  for (const handle of handles) (listening as CountingHandle).onconnection(0, handle)
  assert.equal(taken, connections)
  return handles
}

function refuse(): void {
  assert.fail('no handle is to be handed out')
}

function askedOf(handles: readonly CountingHandle[]): number[] {
  return handles.map(({ asked }) => asked)
}

describe('connections that a listening handle accepts', () => {
  test('send without delay: on Linux by inheritance but those that may have waited before, elsewhere each is asked', () => {
    const listening = new CountingHandle()
    const isLinux = process.platform === 'linux'
    assert.deepEqual(askedOf(acceptBy(listening, 4, 2)), isLinux ? [1, 1, 0, 0] : [1, 1, 1, 1])
    assert.equal(listening.asked, isLinux ? 1 : 0)
  })

  test('are asked each where nobody knows how many have waited, or the listening handle can not be asked, or refuses', () => {
    assert.deepEqual(askedOf(acceptBy(new CountingHandle(), 2)), [1, 1])
    assert.deepEqual(askedOf(acceptBy({ onconnection() {} }, 2, 1)), [1, 1])
    assert.deepEqual(askedOf(acceptBy(new CountingHandle(-22), 2, 1)), [1, 1])
  })

  test('are left to a server whose handle has an unknown shape', () => {
    for (const handle of [undefined, null, {}, { onconnection: true }]) {
      assert.equal(takeConnections({ _handle: handle } as unknown as Server, refuse), undefined)
    }
  })

  test('go on to the server if their own handle has an unknown shape, or none came', () => {
    const seen: unknown[][] = []
    const listening = { onconnection: (...told: unknown[]): void => void seen.push(told) }
    takeConnections({ _handle: listening } as unknown as Server, refuse)
    listening.onconnection(0, {})
    listening.onconnection(-24)
    assert.deepEqual(seen, [
      [0, {}],
      [-24, undefined],
    ])
  })
})
