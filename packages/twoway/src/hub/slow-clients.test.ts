import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type FakeHubSocket,
  type FromServer,
  HubHarness,
  type HubOptions,
  settle,
} from 'twoway-testing/harnesses/hub-harness.js'

const topics = { 'a.*': { publish: true } }

async function subscribed(
  slow: string | undefined,
  { topic = 'a.1', ...options }: HubOptions & { readonly topic?: string } = {},
): Promise<{ harness: HubHarness; socket: FakeHubSocket; publish: (...data: number[]) => Promise<void> }> {
  const harness = new HubHarness({ topics, ...options })
  const socket = await harness.enter()
  socket.say({ t: 'sub', id: 1, topic, ...(slow !== undefined && { slow }) })
  await settle()
  socket.take()
  const publish = async (...all: number[]): Promise<void> => {
    for (const data of all) await harness.hub.publish('a.1', data)
    await settle()
  }
  return { harness, socket, publish }
}

const shown = (messages: readonly FromServer[]): unknown[] => messages.map(({ data, reason, t }) => data ?? reason ?? t)

describe('a client that reads too slowly', () => {
  it('is sent nothing more, and later all that it missed: catch-up, the default', async () => {
    const { socket, publish } = await subscribed(undefined)
    socket.setRoom(false)
    await publish(1)
    // The message that filled the buffer was sent; those after it wait in the ring.
    assert.deepEqual(shown(socket.take()), [1])
    await publish(2, 3, 4)
    assert.deepEqual(shown(socket.take()), [])
    socket.setRoom(true)
    await settle()
    assert.deepEqual(shown(socket.take()), [2, 3, 4])
    await publish(5)
    assert.deepEqual(shown(socket.take()), [5])
  })

  it('is caught up in steps, as far as there is room', async () => {
    const { socket, publish } = await subscribed(undefined)
    socket.setRoom(false)
    await publish(1, 2, 3, 4)
    socket.take()
    let left = 2
    socket.onMessage = () => {
      left -= 1
      if (left === 0) socket.result = 'buffered'
    }
    socket.setRoom(true)
    await settle()
    assert.deepEqual(shown(socket.take()), [2, 3])
    socket.onMessage = () => undefined
    await publish(5)
    socket.setRoom(true)
    await settle()
    assert.deepEqual(shown(socket.take()), [4, 5])
  })

  it('is caught up from the broker if the ring is too short', async () => {
    const { socket, publish } = await subscribed(undefined, { ringCount: 2 })
    socket.setRoom(false)
    await publish(1, 2, 3, 4, 5, 6)
    socket.take()
    socket.setRoom(true)
    await settle()
    assert.deepEqual(shown(socket.take()), [2, 3, 4, 5, 6])
  })

  it('is told of a gap if the messages are gone', async () => {
    const { socket, publish } = await subscribed(undefined, { ringCount: 2, historyCount: 3 })
    socket.setRoom(false)
    await publish(1, 2, 3, 4, 5, 6)
    socket.take()
    socket.setRoom(true)
    await settle()
    const [gap, ...rest] = socket.take()
    assert.deepEqual([gap!.t, gap!.reason, gap!.at![1], rest], ['gap', 'expired', 6, []])
    await publish(7)
    assert.deepEqual(shown(socket.take()), [7])
  })

  it('gets the newest message alone, and of volatile ones the newest of each key: latest', async () => {
    const { harness, socket, publish } = await subscribed('latest')
    socket.setRoom(false)
    await publish(1, 2, 3)
    socket.take()
    const move = (key: string | undefined, data: number) =>
      harness.hub.publish('a.1', data, { volatile: true, ...(key !== undefined && { key }) })
    await move('ann', 10)
    await move('bob', 20)
    await move(undefined, 1)
    await move('ann', 11)
    await move(undefined, 2)
    assert.deepEqual(socket.take(), [])
    socket.setRoom(true)
    await settle()
    assert.deepEqual(shown(socket.take()), [20, 11, 2, 'skipped', 3])
    await publish(4)
    assert.deepEqual(shown(socket.take()), [4])
  })

  it('misses volatile messages with catch-up', async () => {
    const { harness, socket, publish } = await subscribed(undefined)
    socket.setRoom(false)
    await publish(1)
    await harness.hub.publish('a.1', 2, { volatile: true })
    socket.take()
    socket.setRoom(true)
    await settle()
    await harness.hub.publish('a.1', 3, { volatile: true })
    assert.deepEqual(shown(socket.take()), [3])
  })

  it('is sent everything, up to the limit of the connection: close', async () => {
    const { socket, publish } = await subscribed('close')
    socket.setRoom(false)
    await publish(1, 2, 3)
    assert.deepEqual(shown(socket.take()), [1, 2, 3])
  })

  it('is told of a gap on a pattern, as that has no position', async () => {
    const { socket, publish } = await subscribed(undefined, { topic: 'a.*' })
    socket.setRoom(false)
    await publish(1, 2, 3)
    socket.take()
    socket.setRoom(true)
    await settle()
    assert.deepEqual(shown(socket.take()), ['expired', 3])
  })

  it('does not slow down another', async () => {
    const { harness, socket, publish } = await subscribed(undefined)
    const other = await harness.enter()
    other.say({ t: 'sub', id: 1, topic: 'a.1' })
    await settle()
    other.take()
    socket.setRoom(false)
    await publish(1, 2, 3)
    assert.deepEqual(shown(other.take()), [1, 2, 3])
  })

  it('holds up the parts of an answer until there is room', async () => {
    const taken: number[] = []
    const harness = new HubHarness({
      requests: {
        async *count() {
          for (let index = 1; index <= 3; index += 1) {
            taken.push(index)
            yield index
          }
        },
      },
    })
    const socket = await harness.enter()
    socket.setRoom(false)
    socket.say({ t: 'req', id: 1, method: 'count' })
    await settle()
    assert.deepEqual(taken, [1])
    socket.setRoom(true)
    await settle()
    assert.deepEqual(taken, [1, 2, 3])
  })
})
