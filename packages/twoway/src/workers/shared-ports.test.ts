import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SharedPorts } from './shared-ports.js'
import type { PortRequest } from './worker-messages.js'

const host = '127.0.0.1'
const request = (parts: Partial<PortRequest>): PortRequest => ({ port: 0, host, nth: 0, isShared: false, ...parts })

/** Ports from 5000 on in place of 0, and the ports that it was asked for. */
function ports(): { readonly shared: SharedPorts; readonly asked: number[] } {
  const asked: number[] = []
  const shared = new SharedPorts(async ({ port }) => {
    asked.push(port)
    return port === 0 ? 4999 + asked.length : port
  })
  return { shared, asked }
}

describe('SharedPorts', () => {
  it('gives all workers that ask for any port the same one, and each of their servers another', async () => {
    const { shared, asked } = ports()
    const given = [request({}), request({ nth: 1 }), request({}), request({ nth: 1 }), request({ host: '::1' })]
    assert.deepEqual(await Promise.all(given.map((each) => shared.portFor(each))), [5000, 5001, 5000, 5001, 5002])
    assert.equal(asked.length, 3)
  })

  it('checks once whether a port is free, and never if the module itself shares it', async () => {
    const { shared, asked } = ports()
    assert.equal(await shared.portFor(request({ port: 80 })), 80)
    assert.equal(await shared.portFor(request({ port: 80 })), 80)
    assert.equal(await shared.portFor(request({ port: 81, isShared: true })), 81)
    assert.deepEqual(asked, [80])
  })

  it('finds another port once for all workers if another program took the first; but not after a worker has listened', async () => {
    const { shared, asked } = ports()
    assert.equal(await shared.portFor(request({})), 5000)
    const again = [request({ taken: 5000 }), request({ taken: 5000 })]
    assert.deepEqual(await Promise.all(again.map((each) => shared.portFor(each))), [5001, 5001])
    shared.used(5001)
    assert.equal(await shared.portFor(request({ taken: 5001 })), 5001)
    assert.equal(asked.length, 2)
  })

  it('tries a port again that was not available', async () => {
    let isFree = false
    const shared = new SharedPorts(async ({ port }) => {
      if (!isFree) throw new Error('in use')
      return port
    })
    await assert.rejects(shared.portFor(request({ port: 80 })), /in use/)
    isFree = true
    assert.equal(await shared.portFor(request({ port: 80 })), 80)
  })
})
