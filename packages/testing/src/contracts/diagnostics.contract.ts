import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Diagnostics } from '../../../twoway/dist/ports/diagnostics.js'

/** The rules of the diagnostics port, for one implementation of it. */
export function diagnosticsContract(name: string, diagnostics: Diagnostics): void {
  it(`${name} diagnostics: a channel without subscribers reports that, and accepts messages`, () => {
    const channel = diagnostics.channel('twoway:test:nobody')
    assert.equal(channel.hasSubscribers, false)
    channel.publish({})
    assert.equal(diagnostics.channel('twoway:test:nobody'), channel)
  })
}
