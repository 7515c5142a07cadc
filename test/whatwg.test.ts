import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'twoway'
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

describe('docs/whatwg.md', () => {
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
