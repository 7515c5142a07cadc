/**
 * `npm run test:modules`: installs what modules.ts names into `.scratch`, beside the library as it is packed for npm, and has
 * each module system load it and echo. Prints a line for each. `npm run test:modules -- jest` runs those whose names contain
 * one of the words.
 */

import { spawn, spawnSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { installPackages } from '../runtimes/install-packages.js'
import { type ModuleSystem, moduleSystems, packages } from './modules.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = join(root, '.scratch', 'modules')
const programs = join(folder, 'programs')

/** Milliseconds that a step may take. */
const timeMs = 180_000

function chosen(words: readonly string[]): readonly ModuleSystem[] {
  const found = moduleSystems.filter(
    ({ name }) => words.length === 0 || words.some((word) => name.toLowerCase().includes(word.toLowerCase())),
  )
  if (found.length === 0) throw new Error(`There are only ${moduleSystems.map(({ name }) => name).join('; ')}.`)
  return found
}

function prepare(systems: readonly ModuleSystem[]): void {
  const isMissing = Object.entries(packages).some(([name, version]) => installed(name) !== version)
  if (isMissing) installPackages(folder, packages)
  unpackLibrary()
  rmSync(programs, { recursive: true, force: true })
  cpSync(join(root, 'test', 'modules', 'programs'), programs, { recursive: true })
  for (const [name, content] of systems.flatMap(({ files = {} }) => Object.entries(files))) {
    writeFileSync(join(programs, name), JSON.stringify(content))
  }
}

function installed(name: string): string | undefined {
  try {
    const { version } = JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as {
      readonly version: string
    }
    return version
  } catch {
    return undefined
  }
}

/** A copy of what is published: tools treat a link to the sources as a part of the program. */
function unpackLibrary(): void {
  const library = join(folder, 'node_modules', 'twoway')
  rmSync(library, { recursive: true, force: true })
  const packed = spawnSync(process.execPath, [join(root, 'scripts', 'pack.cjs')], { encoding: 'utf8' })
  if (packed.status !== 0) throw new Error(`Packing failed: ${packed.stderr}`)
  cpSync(join(root, '.scratch', 'packages', 'twoway'), library, { recursive: true })
}

/** Resolves to the output of a module system that failed, or to undefined. */
async function run({ steps, folder: within = '.' }: ModuleSystem): Promise<string | undefined> {
  let last = ''
  for (const step of steps) {
    const { output, end } = await runStep(step, join(programs, within))
    if (end !== 0) return `${output}\nnode ${step.join(' ')} ended with ${end}`
    last = output
  }
  return last.trim().endsWith('echoed') ? undefined : `${last}\nThe last step did not print "echoed".`
}

function runStep(step: readonly string[], cwd: string): Promise<{ readonly output: string; readonly end: unknown }> {
  // The page of a bundle takes the platform's class, which Node 20 has behind an option.
  const options = process.allowedNodeEnvironmentFlags.has('--experimental-websocket')
    ? ['--experimental-websocket']
    : []
  const child = spawn(process.execPath, [...options, ...step], {
    cwd,
    env: { ...process.env, CI: '1', NEXT_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeMs,
    killSignal: 'SIGKILL',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ output, end: code ?? `${signal}, after ${timeMs} ms at most` }))
  })
}

/** Runs the systems of a queue one after the other. Several calls share a queue. */
async function runAll(queue: ModuleSystem[]): Promise<void> {
  for (let system = queue.shift(); system !== undefined; system = queue.shift()) {
    const start = performance.now()
    const failure = await run(system)
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.log(`${failure === undefined ? 'passed' : 'FAILED'}  ${system.name} (${seconds} s)`)
    if (failure === undefined) continue
    console.log(failure)
    process.exitCode = 1
  }
}

const queue = [...chosen(process.argv.slice(2))]
prepare(queue)
await Promise.all(Array.from({ length: availableParallelism() }, () => runAll(queue)))
