import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { it } from 'node:test'
import { diagnosticsContract } from 'twoway-testing/contracts/diagnostics.contract.js'
import { nodeDiagnostics } from './diagnostics.js'

diagnosticsContract('node', nodeDiagnostics)

it('node diagnostics: hands messages to who has subscribed by node:diagnostics_channel, before it returns', () => {
  const channel = nodeDiagnostics.channel('twoway:test')
  const seen: unknown[] = []
  const listen = (message: unknown): number => seen.push(message)
  subscribe('twoway:test', listen)
  assert.equal(channel.hasSubscribers, true)
  const message = {}
  channel.publish(message)
  assert.deepEqual(seen, [message])
  unsubscribe('twoway:test', listen)
  assert.equal(channel.hasSubscribers, false)
})
