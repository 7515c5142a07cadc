import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const library = 'packages/twoway/src'

interface Row {
  /** The importing file, in the workspace. */
  readonly from: string
  readonly may: readonly string[]
  readonly mayNot: readonly string[]
}

/** A probe for each row of "Who may import whom". */
const rows: readonly Row[] = [
  {
    from: `${library}/core/receiving/probe.ts`,
    may: ['./frame-parser.js', '../errors.js', '../../ports/payload.js'],
    mayNot: [
      'node:buffer',
      'ws',
      'twoway',
      '../../topics/topic-name.js',
      '../../client/probe.js',
      '../../server/probe.js',
      '../../workers/probe.js',
      '../../runtimes/node/probe.js',
      '../../entries/client.js',
      'twoway-testing/bytes.js',
    ],
  },
  {
    from: `${library}/ports/probe.ts`,
    may: ['./transport.js'],
    mayNot: ['node:net', 'ws', '../core/errors.js', '../runtimes/node/probe.js', '../entries/client.js'],
  },
  {
    from: `${library}/topics/probe.ts`,
    may: ['./topic-name.js', '../ports/random.js'],
    mayNot: [
      'node:buffer',
      'ws',
      '../core/errors.js',
      '../client/probe.js',
      '../server/probe.js',
      '../workers/probe.js',
      '../runtimes/web/probe.js',
      '../entries/client.js',
    ],
  },
  {
    from: `${library}/frameworks/probe.ts`,
    may: ['./platform.js', '../core/errors.js', '../ports/payload.js', '../server/server-types.js'],
    mayNot: [
      'node:http',
      'hono',
      'socket.io-adapter',
      '../topics/topic-name.js',
      '../client/probe.js',
      '../runtimes/node/probe.js',
    ],
  },
  {
    from: `${library}/streams/probe.ts`,
    may: ['./pipe-of.js', '../core/errors.js', '../ports/payload.js'],
    mayNot: ['node:stream', 'ws', '../client/probe.js', '../server/probe.js', '../runtimes/node/probe.js'],
  },
  {
    from: `${library}/client/probe.ts`,
    may: ['./other.js', '../core/errors.js', '../topics/topic-name.js', '../ports/payload.js'],
    mayNot: [
      'node:net',
      'ws',
      '../server/probe.js',
      '../workers/probe.js',
      '../runtimes/web/probe.js',
      '../entries/client.js',
    ],
  },
  {
    from: `${library}/server/probe.ts`,
    may: ['./other.js', '../core/errors.js', '../topics/topic-name.js', '../ports/payload.js'],
    mayNot: [
      'node:http',
      'ws',
      '../streams/web-streams.js',
      '../client/probe.js',
      '../workers/probe.js',
      '../runtimes/node/probe.js',
      '../entries/server.js',
    ],
  },
  {
    from: `${library}/subprotocol/probe.ts`,
    may: ['./messages.js', '../ports/payload.js'],
    mayNot: [
      'node:buffer',
      'ws',
      '../core/errors.js',
      '../topics/topic-name.js',
      '../hub/probe.js',
      '../link/probe.js',
    ],
  },
  {
    from: `${library}/hub/probe.ts`,
    may: [
      './hub.js',
      '../core/errors.js',
      '../topics/topic-name.js',
      '../subprotocol/messages.js',
      '../ports/clock.js',
    ],
    mayNot: ['node:buffer', 'ws', '../link/link.js', '../server/probe.js', '../client/probe.js', '../entries/hub.js'],
  },
  {
    from: `${library}/link/probe.ts`,
    may: ['./link.js', '../subprotocol/messages.js', '../topics/topic-name.js', '../ports/payload.js'],
    mayNot: [
      'node:buffer',
      'ws',
      '../core/errors.js',
      '../topics/topic-ring.js',
      '../hub/hub.js',
      '../client/probe.js',
    ],
  },
  {
    from: `${library}/workers/probe.ts`,
    may: ['./other.js', '../core/errors.js', '../ports/worker-host.js', '../server/server-types.js'],
    mayNot: ['node:cluster', 'ws', '../client/probe.js', '../runtimes/node/workers/probe.js', '../entries/workers.js'],
  },
  {
    from: `${library}/runtimes/node/probe.ts`,
    may: ['node:net', './other.js', '../../ports/transport.js', '../../core/errors.js'],
    mayNot: [
      'ws',
      '../memory/probe.js',
      '../web/probe.js',
      '../../client/probe.js',
      '../../server/probe.js',
      '../../workers/probe.js',
      '../../entries/server.js',
    ],
  },
  {
    from: `${library}/runtimes/web/probe.ts`,
    may: ['./other.js', '../../ports/transport.js', '../../core/errors.js'],
    mayNot: ['node:net', '../node/probe.js', '../memory/probe.js', '../../client/probe.js'],
  },
  {
    from: `${library}/runtimes/memory/probe.ts`,
    may: ['./other.js', '../../ports/transport.js', '../../core/errors.js'],
    mayNot: ['node:net', '../node/probe.js', '../web/probe.js', '../../server/probe.js'],
  },
  {
    from: `${library}/runtimes/bun/probe.ts`,
    may: ['./other.js', '../../ports/transport.js', '../../core/errors.js'],
    mayNot: ['node:net', '../node/probe.js', '../web/probe.js', '../deno/probe.js', '../../server/probe.js'],
  },
  {
    from: `${library}/runtimes/deno/probe.ts`,
    may: ['./other.js', '../../ports/transport.js', '../../core/errors.js'],
    mayNot: ['node:tls', '../node/probe.js', '../web/probe.js', '../bun/probe.js', '../../client/probe.js'],
  },
  {
    from: `${library}/runtimes/one-to-come/probe.ts`,
    may: ['./other.js', '../../ports/transport.js', '../../core/errors.js'],
    mayNot: ['node:net', '../node/probe.js', '../web/probe.js', '../memory/probe.js', '../../client/probe.js'],
  },
  {
    from: `${library}/entries/probe.ts`,
    may: [
      'node:process',
      './sockets/listener.js',
      '../core/errors.js',
      '../client/probe.js',
      '../server/probe.js',
      '../runtimes/node/probe.js',
    ],
    mayNot: ['ws', './client.js', '../entries/client.js'],
  },
  ...['packages/cli/src/probe.ts', 'bench/probe.ts', 'test/probe.ts', 'examples/probe.ts'].map((from) => ({
    from,
    may: ['node:fs', 'twoway', 'twoway/server', './other.js'],
    mayNot: [
      `${from.startsWith('packages') ? '../../twoway' : '../packages/twoway'}/src/core/errors.js`,
      `${from.startsWith('packages') ? '../../twoway' : '../packages/twoway'}/dist/entries/client.js`,
      'twoway/src/core/errors.js',
    ],
  })),
  // Published code and examples do not use the shared test code.
  ...['packages/cli/src/echo/probe.ts', 'examples/server-probe.ts'].map((from) => ({
    from,
    may: ['./other.js'],
    mayNot: ['twoway-testing/bytes.js', 'twoway-testing/peers/raw-socket.js'],
  })),
  ...['packages/cli/src/echo/probe.test.ts', 'bench/src/load/probe.ts', 'test/faults/probe.ts'].map((from) => ({
    from,
    may: ['twoway-testing/bytes.js', 'twoway-testing/peers/raw-socket.js'],
    mayNot: ['../../../twoway/dist/core/errors.js'],
  })),
  {
    from: 'packages/playground/src/page/probe.ts',
    may: ['./other.js', '../payload.js', 'twoway', 'preact', 'preact/hooks', '@preact/signals', 'uplot'],
    mayNot: [
      'node:fs',
      'ws',
      'twoway/server',
      'twoway/src/core/errors.js',
      '../../../twoway/src/core/errors.js',
      '../../../twoway/dist/entries/client.js',
      '../../../cli/src/main.js',
    ],
  },
  // The two files that measure parts of the library import them by their path.
  {
    from: 'bench/src/micro/subjects.ts',
    may: ['../load/wire.js', '../../../packages/twoway/dist/core/sending/frame-writer.js'],
    mayNot: [],
  },
  {
    from: 'bench/src/micro/echo-turn.ts',
    may: ['../load/wire.js', '../../../packages/twoway/dist/server/listening-server.js'],
    mayNot: [],
  },
  {
    from: 'bench/src/micro/probe.ts',
    may: ['mitata'],
    mayNot: ['../../../packages/twoway/dist/core/sending/frame-writer.js'],
  },
  {
    from: `${library}/core/probe.test.ts`,
    may: ['node:assert/strict', 'fast-check', 'twoway-testing/bytes.js', '../runtimes/node/probe.js'],
    mayNot: [],
  },
  {
    from: 'packages/testing/src/probe.ts',
    may: ['node:assert/strict', 'fast-check', '../../twoway/dist/core/errors.js', 'twoway'],
    mayNot: [],
  },
]

describe('the boundaries between rooms', () => {
  /** A workspace that contains the real configuration and the probes. */
  const workspace = realpathSync(mkdtempSync(join(tmpdir(), 'twoway-boundaries-')))
  let refusals: ReadonlySet<string>

  before(() => {
    for (const file of ['biome.json', '.gitignore', 'tsconfig.base.json', 'packages/twoway/package.json']) copy(file)
    symlinkSync(join(root, 'node_modules'), join(workspace, 'node_modules'), 'junction')
    for (const row of rows) {
      write(row.from, [...row.may, ...row.mayNot].map((specifier) => `import '${specifier}'`).join('\n'))
    }
    write(`${library}/core/cycle/one.ts`, `import { two } from './two.js'\nexport const one = (): unknown => two`)
    write(`${library}/core/cycle/two.ts`, `import { one } from './one.js'\nexport const two = (): unknown => one`)
    write(`${library}/core/cycle/line.ts`, `import { one } from './one.js'\nexport const line = one`)
    refusals = lint()
  })

  after(() => rmSync(workspace, { recursive: true }))

  for (const { from, may, mayNot } of rows) {
    for (const [index, specifier] of may.entries()) {
      it(`${from} may import '${specifier}'`, () => {
        assert.ok(!refusals.has(`${from}:${index + 1} lint/style/noRestrictedImports`))
      })
    }
    for (const [index, specifier] of mayNot.entries()) {
      it(`${from} may not import '${specifier}'`, () => {
        assert.ok(refusals.has(`${from}:${may.length + index + 1} lint/style/noRestrictedImports`))
      })
    }
  }

  it('refuses an import cycle, and no other import', () => {
    const isCyclic = (name: string) => refusals.has(`${library}/core/cycle/${name}.ts:1 lint/suspicious/noImportCycles`)
    assert.deepEqual(['one', 'two', 'line'].map(isCyclic), [true, true, false])
  })

  it('has the compiler refuse names outside ECMAScript and imports of other rooms in core', () => {
    const refused = [
      ['buffer', 'export const foreign = Buffer', "Cannot find name 'Buffer'"],
      ['document', 'export const foreign = document', "Cannot find name 'document'"],
      ['timer', 'export const foreign = setTimeout', "Cannot find name 'setTimeout'"],
      ['encoder', 'export const foreign = TextEncoder', "Cannot find name 'TextEncoder'"],
      ['module', `export { Buffer } from 'node:buffer'`, "Cannot find name 'node:buffer'"],
      ['room', `export type Foreign = import('../client/probe.js').Foreign`, 'is not listed within the file list'],
    ] as const
    rmSync(join(workspace, library), { recursive: true })
    for (const room of ['core', 'ports']) copy(`${library}/${room}/tsconfig.json`)
    write(`${library}/client/probe.ts`, 'export type Foreign = 1')
    write(`${library}/core/own.ts`, 'export const own = new Uint8Array(1)')
    for (const [name, text] of refused) write(`${library}/core/${name}.ts`, text)

    const { stdout } = spawnSync(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '-p', `${library}/core`, '--noEmit', '--pretty', 'false'],
      { cwd: workspace, encoding: 'utf8' },
    )
    const errors = stdout.split('\n').filter((line) => /: error TS/.test(line))
    assert.equal(errors.length, refused.length, stdout)
    for (const [name, , sentence] of refused) {
      assert.ok(
        errors.some((line) => line.includes(`core/${name}.ts(`) && line.includes(sentence)),
        stdout,
      )
    }
  })

  function copy(file: string): void {
    cpSync(join(root, file), join(workspace, file))
  }

  function write(file: string, text: string): void {
    mkdirSync(dirname(join(workspace, file)), { recursive: true })
    writeFileSync(join(workspace, file), `${text}\n`)
  }

  /** Each diagnostic as `file:line rule`, with the file relative to the workspace. */
  function lint(): Set<string> {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'lint', '--max-diagnostics=none', '--reporter=github'],
      { cwd: workspace, encoding: 'utf8' },
    )
    const diagnostics = [...stdout.matchAll(/^::\w+ title=([^,]+),file=([^,]+),line=(\d+)/gm)]
    assert.notEqual(diagnostics.length, 0, stderr)
    const inWorkspace = (file: string) => relative(workspace, file).split(sep).join('/')
    return new Set(diagnostics.map(([, rule, file, line]) => `${inWorkspace(file!)}:${line} ${rule}`))
  }
})
