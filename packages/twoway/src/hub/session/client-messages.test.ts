import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { readClientMessage } from './client-messages.js'

const file = new URL('../../../../../docs/reference/protocol-vectors.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as { readonly client: object[]; readonly refused: string[] }

describe('readClientMessage', () => {
  for (const message of vectors.client) {
    it(`takes ${JSON.stringify(message)}`, () => assert.deepEqual(readClientMessage(JSON.stringify(message)), message))
  }

  for (const text of vectors.refused) {
    it(`refuses ${JSON.stringify(text)} with a sentence`, () => {
      const fault = readClientMessage(text)
      assert.equal(typeof fault, 'string')
      assert.match(fault as string, /must|needs|has "data" or "bin"/)
    })
  }
})
