import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Diagnostics } from '../../../twoway/dist/ports/diagnostics.js'

/** What every implementation of Diagnostics must do. */
export function diagnosticsContract(name: string, diagnostics: Diagnostics): void {
  it(`${name} diagnostics: a channel that nobody listens to says so, and takes messages`, () => {
    const channel = diagnostics.channel('twoway:test:nobody')
    assert.equal(channel.hasSubscribers, false)
    channel.publish({})
    assert.equal(diagnostics.channel('twoway:test:nobody'), channel)
  })
}
