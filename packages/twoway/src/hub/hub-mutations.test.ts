import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type FakeHubSocket, HubHarness, settle } from 'twoway-testing/harnesses/hub-harness.js'
import { Chance } from 'twoway-testing/topic-faults/chance.js'
import { errorCodes } from '../subprotocol/messages.js'

const file = new URL('../../../../docs/reference/protocol-vectors.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as { readonly client: Record<string, unknown>[] }

/** HUB_MUTATIONS=1000000 makes a long run, HUB_SEED another one. */
const messages = Number(process.env.HUB_MUTATIONS ?? 20_000)
const seed = Number(process.env.HUB_SEED ?? 1)

const values: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e21,
  2 ** 53,
  '',
  'room.1',
  'room.*',
  'room.>',
  '>',
  '*',
  '$nodes',
  '$presence.room.1',
  'a..b',
  `${'a.'.repeat(40)}a`,
  'é'.repeat(300),
  '__proto__',
  'constructor',
  '\u0000',
  [],
  ['e', 1, 'm'],
  ['', 0, ''],
  [1, 2, 3],
  {},
  { toJSON: 1 },
  'x'.repeat(100_000),
]

/** A valid message with one thing changed: a field, its value, or the text itself. */
function mutated(chance: Chance): string | Uint8Array {
  const message = { ...chance.of(vectors.client) }
  const fields = ['t', 'id', 'topic', 'at', 'last', 'who', 'slow', 'key', 'data', 'bin', 'method', 'within', 'token']
  switch (chance.below(16)) {
    case 0:
      return Uint8Array.from({ length: chance.below(20) }, () => chance.below(256))
    case 1: {
      const text = JSON.stringify(message)
      const at = chance.below(text.length)
      return text.slice(0, at) + String.fromCharCode(chance.below(0x3000)) + text.slice(at + chance.below(3))
    }
    case 2:
      delete message[chance.of(fields)]
      return JSON.stringify(message)
    case 3:
    case 4:
      message[chance.of(fields)] = chance.of(values)
      return JSON.stringify(message)
    default:
      return JSON.stringify(message)
  }
}

describe('a hub under mutated messages', () => {
  it('answers or closes, reports no error of its own, and keeps within its limits', { timeout: 600_000 }, async () => {
    const chance = new Chance(seed)
    const harness = new HubHarness({
      topics: { 'room.*': { publish: true, presence: true }, 'cursor.*': { publish: true, store: false }, '>': {} },
      requests: { rename: (data: unknown) => data, upload: async () => new Uint8Array(3), async *count() {} },
      maxTopicsPerClient: 5,
      maxTopics: 50,
      maxPending: 4,
    } as never)
    const allowed = new Set([undefined, 4400, 4401, 4403, 1013])
    const known = new Set(Object.keys(errorCodes))
    let socket: FakeHubSocket | undefined
    let closed = 0
    for (let count = 0; count < messages; count += 1) {
      socket ??= await harness.enter('token')
      socket.say(mutated(chance) as string)
      if (count % 10 === 0) {
        await settle()
        harness.clock.advance(chance.below(100))
      }
      assert.ok(allowed.has(socket.closeCode()), `closed with ${socket.closeCode()}`)
      for (const { t, code } of socket.take()) if (t === 'error') assert.ok(known.has(code!), code)
      if (socket.closeCode() === undefined) continue
      closed += 1
      socket.leave()
      socket = undefined
    }
    await settle()
    assert.deepEqual(harness.reported, [])
    const { clients, subscriptions, topics } = harness.hub.metrics()
    assert.ok(clients <= 1 && subscriptions <= 5 && topics <= 50, JSON.stringify({ clients, subscriptions, topics }))
    assert.ok(closed > messages / 100 && closed < messages / 2, `${closed} of ${messages} ended the connection`)
  })
})
