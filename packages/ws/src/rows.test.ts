import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import { documented } from './rows/documented.js'
import type { Module } from './rows/row.js'
import { rows } from './rows/rows.js'

const load = createRequire(import.meta.url)

/** A row that fails with ws is wrong itself. */
const modules = { ws: load('ws') as Module, '@twoway/ws': load('./index.cjs') as Module }

for (const [name, W] of Object.entries(modules)) {
  describe(`${name} does what ws documents`, () => {
    for (const { name: row, result, run } of rows) {
      it(row, { timeout: 60_000 }, async () => assert.deepEqual(await run(W), result))
    }
  })
}

describe('the rows', () => {
  const names = rows.map(({ name }) => name)

  it('have names of their own', () => assert.deepEqual(names, [...new Set(names)]))

  it('cover each member and option that ws documents', () => {
    const without = Object.entries(documented).filter(({ 1: row }) => !names.includes(row))
    assert.deepEqual(without, [])
  })
})
