import assert from 'node:assert/strict'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { createServer } from 'node:net'
import { it } from 'node:test'
import { watchDescriptors } from './watch-descriptors.js'

for (const [code, words] of [
  ['EMFILE', /this process has too many .* \(EMFILE\); allow more \(ulimit -n\)/],
  ['ENFILE', /the system has too many .* \(ENFILE\); allow more \(sysctl fs\.file-max\)/],
] as const) {
  it(`tells once a minute that no descriptor is left: ${code}`, (context) => {
    context.mock.timers.enable({ apis: ['setInterval'] })
    // A machine has one table of files, which a test must not fill.
    const opened = context.mock.method(fs, 'openSync', () => {
      throw Object.assign(new Error(`${code}: open`), { code })
    })
    syncBuiltinESMExports()
    const told: string[] = []
    try {
      const stop = watchDescriptors(createServer(), ({ message }) => told.push(message))
      context.mock.timers.tick(999)
      assert.deepEqual(told, [])
      context.mock.timers.tick(3000)
      assert.equal(opened.mock.callCount(), 3)
      assert.equal(told.length, 1)
      assert.match(told[0]!, words)
      stop()
      context.mock.timers.tick(3000)
      assert.equal(opened.mock.callCount(), 3)
    } finally {
      opened.mock.restore()
      syncBuiltinESMExports()
    }
  })
}
