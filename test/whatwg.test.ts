import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'twoway'
import { type Server, serve } from 'twoway/server'
import { isKnownFault, knownFaults } from './whatwg/known-faults.js'
import { nodeCapabilities, nodeName } from './whatwg/node-environment.js'
import type { Environment } from './whatwg/rule.js'
import { isApplicable, rules, runRule } from './whatwg/rules.js'
import { type Servers, startServers } from './whatwg/server.js'
import { renderTable } from './whatwg/table.js'
import { readResults, readTable } from './whatwg/table-files.js'

describe('WebSocket on Node keeps the rules of the WHATWG standard', () => {
  let servers: Servers
  let environment: Environment
  before(async () => {
    servers = await startServers()
    environment = { ...servers, WebSocket, capabilities: nodeCapabilities }
  })
  after(() => servers.close())

  for (const rule of rules) {
    it(`${rule.section}: ${rule.rule}`, async (context) => {
      if (!isApplicable(rule, environment)) context.skip(`needs ${rule.needs?.join(', ')}`)
      else if (isKnownFault(rule.id, nodeName)) await assert.rejects(runRule(rule, environment), 'the fault is gone')
      else await runRule(rule, environment)
    })
  }
})

describe('docs/reference/whatwg.md', () => {
  const ids = new Set(rules.map(({ id }) => id))

  it('is what the rules and the last runs make of it: npm run docs:whatwg writes it', () => {
    assert.equal(readTable(), renderTable(rules, readResults()))
  })

  it('has each rule under a name of its own, and faults of rules that there are', () => {
    assert.equal(ids.size, rules.length)
    for (const { rule } of knownFaults) assert.ok(ids.has(rule), rule)
  })

  it('has a row for each rule on each runtime, and no rule fails but by a fault that is known', () => {
    for (const [runtime, outcomes] of Object.entries(readResults().ours)) {
      assert.deepEqual(Object.keys(outcomes).toSorted(), [...ids].toSorted(), runtime)
      for (const [id, outcome] of Object.entries(outcomes)) {
        if (outcome === 'pass' || outcome === 'n/a') continue
        assert.ok(isKnownFault(id, runtime), `${runtime}: ${id}: ${outcome}`)
      }
    }
  })
})

describe('the differences that docs/reference/whatwg.md names', () => {
  /** Ports that browsers refuse and that no privilege is needed for: https://fetch.spec.whatwg.org/#port-blocking */
  const badPorts = [10_080, 6697, 6669, 6668, 6667, 6666, 6665, 6566, 5061, 5060, 4190, 4045, 3659, 2049]

  it('every port is allowed', async (context) => {
    const server = await listenOnOneOf(badPorts)
    context.after(() => server.close())
    const event = await eventOf(new WebSocket(server.url), 'open')
    assert.equal(event.type, 'open')
    for (const port of [1, 7, 22, 25, 110, 6000]) assert.doesNotThrow(() => new WebSocket(`ws://127.0.0.1:${port}`))
  })

  it('no Origin is sent, the User-Agent is ours, and several connections may be CONNECTING', async (context) => {
    const heads: (readonly [origin: string | undefined, userAgent: string | undefined])[] = []
    let waiting = 0
    let decide: () => void = () => {}
    const allWait = new Promise<void>((resolve) => {
      decide = resolve
    })
    const server = await serve({
      port: 0,
      async upgrade({ headers }) {
        heads.push([headers.get('origin'), headers.get('user-agent')])
        waiting += 1
        if (waiting === 3) decide()
        await allWait
        return {}
      },
    })
    context.after(() => server.close())
    await Promise.all([1, 2, 3].map(() => eventOf(new WebSocket(server.url), 'open')))
    for (const [origin, userAgent] of heads) {
      assert.equal(origin, undefined)
      assert.match(userAgent ?? '', /^twoway\/\d/)
    }
  })

  it('options, a third argument and the schemes of Unix sockets are not as in the standard', () => {
    const construct = (...given: unknown[]): unknown => Reflect.construct(WebSocket, given)
    assert.throws(() => construct('ws://127.0.0.1:1', { none: 1 }), { name: 'UsageError' })
    assert.throws(() => construct('ws://127.0.0.1:1', [], { headers: {} }), { name: 'UsageError' })
    assert.doesNotThrow(() => construct('ws+unix:/does/not/exist.sock:/'))
    assert.throws(() => construct('ws+unix:relative.sock'), { name: 'SyntaxError' })
    assert.throws(() => construct('/relative'), { name: 'SyntaxError' })
  })
})

async function listenOnOneOf(ports: readonly number[]): Promise<Server> {
  for (const port of ports) {
    try {
      return await serve({ port })
    } catch {
      // In use by another program.
    }
  }
  throw new Error('all of these ports are in use')
}

async function eventOf(socket: WebSocket, type: string): Promise<Event> {
  return new Promise((resolve, reject) => {
    socket.addEventListener(type, (event) => resolve(event as Event))
    socket.addEventListener('error', () => reject(new Error('the connection failed')))
  })
}
