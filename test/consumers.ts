import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

interface Consumer {
  readonly has: string
  readonly lib: readonly string[]
  readonly types: readonly string[]
  /** Conditions of `exports` in addition to those of the resolution. */
  readonly conditions?: readonly string[]
  readonly files: readonly string[]
  readonly slowly: 'NodeNext' | 'Bundler' | undefined
}

/**
 * The types that a consumer has, and the fixtures of `test/consumers` that compile with them. The compilers in JavaScript
 * take seconds for each, so they compile only those with a named resolution.
 */
const consumers: readonly Consumer[] = [
  {
    has: 'no types but its own',
    lib: ['ES2023'],
    types: [],
    files: ['client.ts', 'client-stream.ts', 'memory.ts'],
    slowly: 'NodeNext',
  },
  {
    has: "the DOM's types",
    lib: ['ES2023', 'DOM'],
    types: [],
    files: ['client.ts', 'client-stream.ts', 'client-beside-dom.ts', 'memory.ts'],
    slowly: 'Bundler',
  },
  {
    has: "the DOM's types and the condition of a browser",
    lib: ['ES2023', 'DOM'],
    types: [],
    conditions: ['browser'],
    files: ['client-stream.ts', 'client-in-browser.ts'],
    slowly: 'Bundler',
  },
  {
    has: "Node's types",
    lib: ['ES2023'],
    types: ['node'],
    files: [
      'client.ts',
      'client-stream.ts',
      'client-on-node.ts',
      'client-beside-node.ts',
      'server.ts',
      'server-disposed.ts',
      'server-paths.ts',
      'memory.ts',
      'streams.ts',
      'metrics.ts',
      'frameworks.ts',
      'hub.ts',
    ],
    slowly: 'Bundler',
  },
  {
    has: "ECMAScript's disposables and Node's types",
    lib: ['ES2023', 'ESNext.Disposable'],
    types: ['node'],
    files: ['server.ts', 'server-disposed.ts'],
    slowly: undefined,
  },
  {
    has: "the DOM's and Node's types",
    // The default of the compilers.
    lib: ['ES2023', 'DOM', 'DOM.AsyncIterable'],
    types: ['node'],
    files: [
      'client.ts',
      'client-stream.ts',
      'client-on-node.ts',
      'client-beside-dom.ts',
      'server.ts',
      'server-disposed.ts',
      'streams.ts',
      'metrics.ts',
      'frameworks.ts',
      'hub.ts',
    ],
    slowly: 'NodeNext',
  },
]

const resolutions = [
  { moduleResolution: 'NodeNext', module: 'NodeNext' },
  { moduleResolution: 'Bundler', module: 'ESNext' },
] as const

const compilers = ['typescript-5.9', 'typescript-6', 'typescript'] as const

describe('a program that uses the library by its public name compiles', { concurrency: availableParallelism() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'twoway-consumers-'))

  before(() => {
    for (const types of ['none', 'node']) {
      const project = join(folder, types)
      // A copy, not a link: from their real path our declarations would find Node's types in the workspace.
      cpSync(join(root, 'packages/twoway'), join(project, 'node_modules/twoway'), {
        recursive: true,
        filter: isDeclared,
      })
      for (const fixture of readdirSync(join(root, 'test/consumers'))) {
        cpSync(join(root, 'test/consumers', fixture), join(project, fixture))
      }
      writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
    }
    mkdirSync(join(folder, 'node/node_modules/@types'))
    symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node/node_modules/@types/node'), 'junction')
  })

  after(() => rmSync(folder, { recursive: true }))

  for (const compiler of compilers) {
    for (const [index, consumer] of consumers.entries()) {
      for (const resolution of resolutions) {
        if (compiler !== 'typescript' && resolution.moduleResolution !== consumer.slowly) continue

        it(`with ${compiler}, ${consumer.has} and ${resolution.moduleResolution} resolution`, async () => {
          const { lib, types, conditions, files } = consumer
          const project = join(folder, types[0] ?? 'none')
          const config = join(project, `${compiler}-${index}-${resolution.moduleResolution}.json`)
          const compilerOptions = {
            ...resolution,
            lib,
            types,
            ...(conditions && { customConditions: conditions }),
            target: 'ES2023',
            strict: true,
            skipLibCheck: false,
            // TypeScript's own declarations only.
            skipDefaultLibCheck: true,
            noEmit: true,
          }
          writeFileSync(config, JSON.stringify({ compilerOptions, files }))
          assert.equal(await compile(compiler, config), '')
        })
      }
    }
  }
})

/** Whether a consumer's compiler reads the file of a package. */
function isDeclared(path: string): boolean {
  return statSync(path).isDirectory() ? !/src$|node_modules$/.test(path) : /\.d\.ts$|package\.json$/.test(path)
}

/** Resolves with the errors. */
function compile(compiler: string, config: string): Promise<string> {
  const tsc = join(root, 'node_modules', compiler, 'bin/tsc')
  const child = spawn(process.execPath, [tsc, '-p', config, '--pretty', 'false'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    let errors = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      errors += text
    })
    child.once('error', reject)
    child.once('close', (status) => resolve(status === 0 ? '' : errors || `${compiler} ended with ${status}`))
  })
}
