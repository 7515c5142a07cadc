import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const program = fileURLToPath(new URL('./faked-globals.js', import.meta.url))
const whole = 'text 3 1000 true stream'

async function run(...args: string[]): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], { timeout: 240_000 })
  return JSON.parse(stdout)
}

for (const transport of ['handle', 'stream']) {
  test(`an echo works where timers and clocks were replaced before the import (${transport})`, async () => {
    process.env.TWOWAY_TRANSPORT = transport
    assert.deepEqual(await run('before'), { all: whole })
  })
}

test('an echo works whichever global is replaced after the import or on an open connection', async () => {
  const seen = await run('after')
  assert.ok(Object.keys(seen).length > 60)
  for (const [name, log] of Object.entries(seen)) assert.equal(log, whole, name)
})

test('an echo in a network within the process works whichever global is replaced after the import', async () => {
  for (const [name, log] of Object.entries(await run('after', 'memory'))) assert.equal(log, 'text 3 1000 true', name)
})
