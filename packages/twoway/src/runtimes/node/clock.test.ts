import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { test } from 'node:test'
import { clockContract } from 'twoway-testing/contracts/clock.contract.js'
import { nodeClock } from './clock.js'

clockContract('node', nodeClock)

test('calls back in the asynchronous context of who deferred, each in its own', async () => {
  const storage = new AsyncLocalStorage<string>()
  const seen: (string | undefined)[] = []
  for (const name of ['one', 'other']) {
    storage.run(name, () => nodeClock.defer(() => seen.push(storage.getStore())))
  }
  await new Promise(setImmediate)
  assert.deepEqual(seen, ['one', 'other'])
})
