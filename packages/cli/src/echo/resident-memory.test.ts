import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import process from 'node:process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { residentBytes } from './resident-memory.js'

test('reports the resident memory as Node does', () => {
  const before = process.memoryUsage.rss()
  assert.ok(Math.abs(residentBytes() - before) < before / 2)
})

test('reports the resident memory of a process without descriptors', {
  skip: process.platform !== 'linux',
}, async () => {
  const module = new URL('./resident-memory.js', import.meta.url).href
  const program = `
    import { openSync } from 'node:fs'
    import { residentBytes } from ${JSON.stringify(module)}
    try { for (;;) openSync('/dev/null') } catch (error) { console.log(error.code, residentBytes() > 1e6) }`
  const command = `ulimit -n 64; exec "$0" --input-type=module --eval "$1"`
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command, process.execPath, program])
  assert.equal(stdout, 'EMFILE true\n')
})
