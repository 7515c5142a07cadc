import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('main.js', import.meta.url))

interface Output {
  readonly rows: readonly { readonly id: string; readonly contenders: readonly { medians: { perSecond: number } }[] }[]
}

function bench(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', timeout: 60_000 })
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

  it('measures an earlier Twoway beside this one, from its own package', () => {
    const args = ['--quick', '--seconds=0.1', '--rivals=twoway', '--rows=small']
    const built = fileURLToPath(new URL('../../packages/twoway', import.meta.url))
    const { status, stdout, stderr } = bench(...args, `--before=${built}`)
    assert.equal(status, 0, stderr)
    assert.match(stdout, /of the cost of Twoway before, Node \d+, for Twoway, Node \d+/)

    const broken = mkdtempSync(join(tmpdir(), 'twoway-before-'))
    try {
      mkdirSync(join(broken, 'dist'))
      writeFileSync(join(broken, 'dist/server.js'), "export const serve = () => { throw new Error('the earlier one') }")
      const exports = { './server': './dist/server.js' }
      writeFileSync(join(broken, 'package.json'), JSON.stringify({ name: 'twoway', type: 'module', exports }))
      const failed = bench(...args, `--before=${broken}`)
      assert.equal(failed.status, 1)
      assert.match(failed.stderr, /Twoway before, Node \d+ failed at small: [\s\S]*the earlier one/)
    } finally {
      rmSync(broken, { recursive: true })
    }
  })

  it('says in its help what each row measures, and where each rival runs', () => {
    const { stdout } = bench('--help')
    for (const line of [
      /^ {2}idle +memory, 10,000 idle connections$/m,
      /^ {2}twoway-deno +Twoway on Deno$/m,
      /^ {2}bun +Bun's own$/m,
    ])
      assert.match(stdout, line)
  })

  for (const [arg, sentence] of [
    ['--rows=foo', 'there is no row "foo"; there are small, '],
    ['--rivals=bar', 'there is no rival "bar"; there are twoway, '],
    ['--node=9', 'Node "9" is not known; known are '],
    ['--rounds=1.5', 'give a whole number'],
    ['--before=nowhere', '"nowhere" is not a package twoway; give a folder such as node_modules/twoway'],
    ['--seconds=0', 'give a number above 0'],
    ['--fast', "unknown option '--fast'"],
  ] as const) {
    it(`says what is wrong with ${arg}`, () => {
      const { status, stderr } = bench(arg)
      assert.equal(status, 1)
      assert.ok(stderr.includes(sentence), stderr)
    })
  }
})
