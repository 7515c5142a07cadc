import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import type { Module } from './rows/row.js'
import { rows } from './rows/rows.js'

const load = createRequire(import.meta.url)

/** A row that fails with ws is wrong itself. */
const modules = { ws: load('ws') as Module, '@twoway/ws': load('./index.cjs') as Module }

for (const [name, W] of Object.entries(modules)) {
  describe(`${name} does what ws documents`, () => {
    for (const { name: row, result, run } of rows) {
      it(row, { timeout: 20_000 }, async () => assert.deepEqual(await run(W), result))
    }
  })
}
