import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { violations } from '../../../twoway/dist/core/errors.js'
import { run, type Subject } from './subject.js'
import { runTrials } from './trials.js'

/** A million are tried by `npm run test:mutations`. */
const count = 30_000

describe('mutated bytes of a peer', () => {
  it(`cause only ProtocolError and HandshakeError, and the same however they are cut, in ${count} inputs`, () => {
    const met = runTrials({ seed: 6455, first: 0, count, step: 1 })
    for (const code of met.keys()) assert.ok(code in violations, code)
    assert.ok(met.size > 30, `the inputs reached ${met.size} rules only`)
  })

  it('are the same for the same seed, so that a failure can be tried again', () => {
    const once = runTrials({ seed: 1, first: 0, count: 500, step: 1 })
    assert.deepEqual(runTrials({ seed: 1, first: 0, count: 500, step: 1 }), once)
    assert.notDeepEqual(runTrials({ seed: 2, first: 0, count: 500, step: 1 }), once)
  })

  it('fail where a reader throws something else, or reads a cut input in another way', () => {
    const reading = (read: Subject['read']): Subject => ({ name: 'broken', make: () => new Uint8Array(4), read })
    const bytes = new Uint8Array(4)
    const throwing = reading(() => {
      throw new TypeError('no')
    })
    assert.throws(() => run({ subject: throwing, bytes, cuts: [1] }), TypeError)
    const counting = reading((pieces) => [`${pieces.length} pieces`])
    assert.throws(() => run({ subject: counting, bytes, cuts: [1] }), /read whole it gives\s+1 pieces/)
  })
})
