import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import process from 'node:process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { MemoryTuningCounts } from 'twoway/server'

const program = fileURLToPath(new URL('tuned-echo.js', import.meta.url))
const nodeVersion = Number.parseInt(process.versions.node, 10)
const nothing = { on: 0, freedMemoryKept: 0, youngCollections: 0, heapTexts: 0 }

/** The memory metrics of a server after an echo of long messages. */
async function counts(options: object, environment: Readonly<Record<string, string>>): Promise<MemoryTuningCounts> {
  const env = { ...process.env, TWOWAY_TUNE_MEMORY: '', ...environment }
  const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(options)], { env })
  return JSON.parse(stdout)
}

describe('the memory of long messages', () => {
  it('is tuned by default: by glibc from 24 MiB on, and by V8', async () => {
    const { on, freedMemoryKept, youngCollections, heapTexts } = await counts({}, {})
    assert.equal(on, 1)
    assert.equal(freedMemoryKept, Number(process.platform === 'linux'))
    assert.ok(youngCollections > 0)
    assert.equal(heapTexts, nodeVersion >= 26 ? 40 : 0)
  })

  it('is not tuned with TWOWAY_TUNE_MEMORY=0, whatever the option', async () => {
    assert.deepEqual(await counts({ tuneMemory: true }, { TWOWAY_TUNE_MEMORY: '0' }), nothing)
  })

  it('is not tuned with tuneMemory: false, also by clients in the process', async () => {
    assert.deepEqual(await counts({ tuneMemory: false }, {}), nothing)
  })

  it('keeps thresholds of glibc that the environment sets', async () => {
    const { on, freedMemoryKept } = await counts({}, { MALLOC_TRIM_THRESHOLD_: '131072' })
    assert.deepEqual([on, freedMemoryKept], [1, 0])
  })
})
