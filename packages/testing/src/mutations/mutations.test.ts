import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { violations } from '../../../twoway/dist/core/errors.js'
import { run, type Subject } from './subject.js'
import { runTrials } from './trials.js'

/** `npm run test:mutations` tries a million. */
const count = 6_000

describe('mutated input of a peer', () => {
  it(`causes only ProtocolError and HandshakeError, the same in every cut, in ${count} inputs`, () => {
    const met = runTrials({ seed: 6455, first: 0, count, step: 1 })
    for (const code of met.keys()) assert.ok(code in violations, code)
    assert.ok(met.size > 30, `the inputs reached ${met.size} rules only`)
  })

  it('is the same for the same seed, so that a failure can be repeated', () => {
    const once = runTrials({ seed: 1, first: 0, count: 500, step: 1 })
    assert.deepEqual(runTrials({ seed: 1, first: 0, count: 500, step: 1 }), once)
    assert.notDeepEqual(runTrials({ seed: 2, first: 0, count: 500, step: 1 }), once)
  })

  it('fails the run if a reader throws another error, or reads a cut input differently', () => {
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
