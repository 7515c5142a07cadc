import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SharedPorts } from './shared-ports.js'
import type { WorkerPlace } from './worker-messages.js'

const host = '127.0.0.1'
const place = (parts: Partial<WorkerPlace>): WorkerPlace => ({ port: 0, host, nth: 0, isShared: false, ...parts })

/** Ports from 5000 on in place of 0, and what it was asked for. */
function ports(): { readonly shared: SharedPorts; readonly asked: number[] } {
  const asked: number[] = []
  const shared = new SharedPorts(async ({ port }) => {
    asked.push(port)
    return port === 0 ? 4999 + asked.length : port
  })
  return { shared, asked }
}

describe('SharedPorts', () => {
  it('gives all who ask for any port the same one, and each server of theirs another', async () => {
    const { shared, asked } = ports()
    const given = [place({}), place({ nth: 1 }), place({}), place({ nth: 1 }), place({ host: '::1' })]
    assert.deepEqual(await Promise.all(given.map((each) => shared.portFor(each))), [5000, 5001, 5000, 5001, 5002])
    assert.equal(asked.length, 3)
  })

  it('finds out once whether a port is free, and not at all where the module shares it itself', async () => {
    const { shared, asked } = ports()
    assert.equal(await shared.portFor(place({ port: 80 })), 80)
    assert.equal(await shared.portFor(place({ port: 80 })), 80)
    assert.equal(await shared.portFor(place({ port: 81, isShared: true })), 81)
    assert.deepEqual(asked, [80])
  })

  it('finds another, once for all, where somebody took the one it found; but not once a worker listens', async () => {
    const { shared, asked } = ports()
    assert.equal(await shared.portFor(place({})), 5000)
    const again = [place({ taken: 5000 }), place({ taken: 5000 })]
    assert.deepEqual(await Promise.all(again.map((each) => shared.portFor(each))), [5001, 5001])
    shared.used(5001)
    assert.equal(await shared.portFor(place({ taken: 5001 })), 5001)
    assert.equal(asked.length, 2)
  })

  it('tries again what could not be had', async () => {
    let isFree = false
    const shared = new SharedPorts(async ({ port }) => {
      if (!isFree) throw new Error('in use')
      return port
    })
    await assert.rejects(shared.portFor(place({ port: 80 })), /in use/)
    isFree = true
    assert.equal(await shared.portFor(place({ port: 80 })), 80)
  })
})
