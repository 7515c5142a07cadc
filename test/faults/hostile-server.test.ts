import assert from 'node:assert/strict'
import process from 'node:process'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { echoTrip } from './echo-trip.js'
import { actsOf, hostileActs } from './hostile-acts.js'
import { HostileServer } from './hostile-server.js'

/** Longer than any act takes, so that it never ends a connection. */
const longMs = 30_000

/** The most that a client reads of an endless answer: a head, a page, and the buffers of the network. */
const mostTakenBytes = 16 << 20
/** The most memory that all acts together may leave behind. */
const mostHeldBytes = 16 << 20

/** Memory of the heap and of buffers, which are freed a little later than they are collected. */
async function heldBytes(): Promise<number> {
  for (let round = 0; round < 10; round++) {
    globalThis.gc?.()
    await sleep(20)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

describe('a client whose server', { concurrency: 8 }, () => {
  let server: HostileServer
  let heldBefore: number
  before(async () => {
    server = await HostileServer.listen(actsOf())
    heldBefore = await heldBytes()
  })
  after(async () => {
    await server.close()
    const held = (await heldBytes()) - heldBefore
    assert.ok(held < mostHeldBytes, `${held} bytes are held`)
  })

  for (const [name, { opens, error, code, handshakeTimeoutMs = longMs, patienceMs = longMs }] of Object.entries(
    hostileActs,
  )) {
    it(`${name} ends with an event and the expected error`, async () => {
      const maxRedirects = name.startsWith('redirects') ? 5 : 0
      const times = { handshakeTimeoutMs, patienceMs, closeTimeoutMs: 300 }
      const trip = await echoTrip(server.urlOf(name), { ...times, maxRedirects, messages: ['hello'] })
      assert.deepEqual({ opened: trip.opened, code: trip.code }, { opened: opens, code }, trip.error)
      if (error === undefined) assert.equal(trip.error, '')
      else assert.match(trip.error, error)
      // After a Close the client drops further bytes, until the server ends or its time is up.
      if (!opens) assert.ok(server.takenBytes(name) < mostTakenBytes, `${server.takenBytes(name)} bytes were taken`)
    })
  }
})
