import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import process from 'node:process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('main.js', import.meta.url))

interface Output {
  readonly rows: readonly { readonly id: string; readonly contenders: readonly { medians: { perSecond: number } }[] }[]
}

describe('npm run bench', () => {
  it('measures Twoway alone without fetching anything, as server and as client', () => {
    const rows = 'fragments,tls-1k,handshake,client-sends-1k,tls-client-receives-1k'
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [main, '--quick', '--seconds=0.1', '--rivals=twoway', `--rows=${rows}`, '--json'],
      { encoding: 'utf8', timeout: 60_000 },
    )
    assert.equal(status, 0, stderr)
    const output = JSON.parse(stdout) as Output
    assert.equal(output.rows.map(({ id }) => id).join(), rows)
    for (const { contenders } of output.rows) assert.ok(contenders[0]!.medians.perSecond > 0)
  })
})
