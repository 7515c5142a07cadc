import assert from 'node:assert/strict'
import process from 'node:process'
import { after, before, describe, it } from 'node:test'
import { echoTrip } from './echo-trip.js'
import { actsOf, hostileActs } from './hostile-acts.js'
import { HostileServer } from './hostile-server.js'

const times = { handshakeTimeoutMs: 600, closeTimeoutMs: 300 }

/** What a client takes of a server that sends without end: its longest message, and what is under way in the network. */
const mostTakenBytes = 40 << 20
/** What all of them together may leave behind. */
const mostHeldBytes = 16 << 20

function heldBytes(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

describe('a client whose server', { concurrency: 8 }, () => {
  let server: HostileServer
  let heldBefore: number
  before(async () => {
    server = await HostileServer.listen(actsOf())
    heldBefore = heldBytes()
  })
  after(async () => {
    await server.close()
    const held = heldBytes() - heldBefore
    assert.ok(held < mostHeldBytes, `${held} octets are held`)
  })

  for (const [name, { opens, error, code, patienceMs = 300 }] of Object.entries(hostileActs)) {
    it(`${name} comes to its end, and is told of it`, async () => {
      const maxRedirects = name.startsWith('redirects') ? 5 : 0
      const trip = await echoTrip(server.urlOf(name), { ...times, patienceMs, maxRedirects, messages: ['hello'] })
      assert.deepEqual({ opened: trip.opened, code: trip.code }, { opened: opens, code }, trip.error)
      if (error === undefined) assert.equal(trip.error, '')
      else assert.match(trip.error, error)
      // What comes behind the Close is thrown away until the server ends or its time is up.
      if (code === 1006)
        assert.ok(server.takenBytes(name) < mostTakenBytes, `${server.takenBytes(name)} octets were taken`)
    })
  }
})
