import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const program = fileURLToPath(new URL('import-effects.js', import.meta.url))
const manifest = JSON.parse(readFileSync(new URL('../../packages/twoway/package.json', import.meta.url), 'utf8')) as {
  readonly exports: Readonly<Record<string, unknown>>
  readonly sideEffects: unknown
}
const entries = Object.keys(manifest.exports)
  .filter((name) => name !== './package.json')
  .map((name) => `twoway${name.slice(1)}`)

/** The output of a process that ends without a signal, because an import keeps nothing alive. */
async function printed(args: readonly string[], stdio: 'ignore' | 'ipc'): Promise<string> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit', stdio] })
  let text = ''
  child.stdout!.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  assert.equal(code, 0)
  return text
}

describe('an import of an entry has no side effects', () => {
  it('as package.json says', () => {
    assert.equal(manifest.sideEffects, false)
    assert.deepEqual(entries, [
      'twoway',
      'twoway/server',
      'twoway/workers',
      'twoway/metrics',
      'twoway/streams',
      'twoway/frameworks',
      'twoway/memory',
      'twoway/hub',
      'twoway/link',
    ])
  })

  for (const entry of entries) {
    it(`${entry}: no handler, timer, handle, global or variable, in a process, beside a parent's channel and in a worker`, async () => {
      const all = await Promise.all([
        printed([entry], 'ignore'),
        printed([entry], 'ipc'),
        printed([entry, 'workers'], 'ignore'),
      ])
      assert.deepEqual(all, ['[]\n', '[]\n', '[]\n'])
    })

    it(`${entry}: a bundle that imports it and uses nothing holds nothing of it`, async () => {
      assert.equal((await bundled(`import '${entry}'`)).length, 0)
    })
  }

  it('twoway/server: a bundle that uses serve holds nothing of serveWorkers', async () => {
    const [serve, workers] = await Promise.all([
      bundled(`export { serve } from 'twoway/server'`),
      bundled(`export { serveWorkers } from 'twoway/workers'`),
    ])
    const sentence = 'serveWorkers takes the file: URL'
    assert.deepEqual([serve.includes(sentence), workers.includes(sentence)], [false, true])
  })
})

async function bundled(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    write: false,
    logLevel: 'silent',
  })
  return outputFiles[0]!.text
}
