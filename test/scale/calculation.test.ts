import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { coresOf, loadOf, type Service } from './calculation.js'
import { documents, withTables } from './documents.js'
import { readFigures } from './figures.js'
import type { Language } from './tables.js'

const service: Service = {
  connections: 1000,
  nodes: 2,
  topicsPerClient: 1,
  clientsPerTopic: 1,
  publishEverySeconds: 10,
  presence: true,
  routing: 'any',
}

describe('the calculation of a service', () => {
  it('has one node for a topic of one client, and nearly all nodes for one of many', () => {
    assert.deepEqual(loadOf(service), {
      clientsPerNode: 500,
      topics: 1000,
      nodesPerTopic: 1,
      topicsPerNode: 500,
      publishes: 100,
      copies: 100,
      deliveriesPerNode: 50,
      heads: 200,
      deploy: { returns: 1000, opens: 1000, presenceCopies: 2000, seconds: 60 },
    })
    assert.ok(loadOf({ ...service, clientsPerTopic: 100 }).nodesPerTopic > 1.999)
    assert.equal(loadOf({ ...service, clientsPerTopic: 100, routing: 'by-topic' }).nodesPerTopic, 1)
  })

  it('has cores that grow with the load, and with the cost of each part', () => {
    const figures = readFigures()
    for (const [name, broker] of Object.entries(figures.brokers)) {
      const one = coresOf(service, figures, name, broker)
      const twice = coresOf({ ...service, publishEverySeconds: 5 }, figures, name, broker)
      assert.ok(Math.abs(twice.publish / one.publish - 2) < 1e-9)
      assert.ok(Math.abs(one.publish + one.copies + one.heads - one.broker) < 1e-9)
      assert.equal(twice.heads, one.heads)
    }
  })
})

for (const [language, file] of Object.entries(documents)) {
  it(`docs/${language === 'zh' ? 'zh/' : ''}how-to/scale.md has the tables of the measured figures`, () => {
    assert.equal(readFileSync(file, 'utf8'), withTables(language as Language))
  })
}
