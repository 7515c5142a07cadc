/**
 * `npm run test:frameworks`: installs the packages of the table of frameworks.ts into `.scratch`, compiles the examples of
 * `examples/frameworks` against them, runs each program beside them, and prints a line for each. `npm run test:frameworks -- passport` runs those whose names contain one of the words.
 */

import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { installPackages } from '../runtimes/install-packages.js'
import { type Framework, frameworks } from './frameworks.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = join(root, '.scratch', 'frameworks')
const examples = join(root, 'examples', 'frameworks')

/** The compiler options of an application; NestJS needs decorators and their metadata. */
const compilerOptions = {
  target: 'es2023',
  module: 'esnext',
  moduleResolution: 'bundler',
  strict: true,
  skipLibCheck: true,
  types: ['node'],
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
}

/** Milliseconds that a program may take. */
const timeMs = 180_000

function chosen(words: readonly string[]): readonly Framework[] {
  const found = frameworks.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
  if (found.length === 0) throw new Error(`There are only ${frameworks.map(({ name }) => name).join(', ')}.`)
  return found
}

/** Installs what is not there in this version yet, and links the library that is built here. */
function prepare(): void {
  const packages = Object.assign({}, ...frameworks.map((each) => each.packages)) as Record<string, string>
  const isMissing = Object.entries(packages).some(([name, version]) => installed(name) !== version)
  if (isMissing) installPackages(folder, packages)
  const link = join(folder, 'node_modules', 'twoway')
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  rmSync(link, { force: true })
  symlinkSync(join(root, 'packages', 'twoway'), link, 'junction')
}

/** Compiles the examples of the programs, with the types of the real packages. */
function compileExamples(programs: readonly Framework[]): void {
  const output = join(folder, 'examples')
  rmSync(output, { recursive: true, force: true })
  mkdirSync(output)
  const names = new Set(programs.map(({ name, example = name }) => `${example}.ts`))
  const files = [...names].filter((file) => existsSync(join(examples, file)))
  for (const file of files) copyFileSync(join(examples, file), join(output, file))
  writeFileSync(join(output, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(output, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  if (files.length === 0) return
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status } = spawnSync(process.execPath, [compiler, '-p', output], { stdio: 'inherit' })
  if (status !== 0) throw new Error('The examples do not compile.')
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

/** Resolves to the output of a program that failed, or to undefined. */
function run({ name }: Framework): Promise<string | undefined> {
  const program = join(folder, `${name}.mjs`)
  copyFileSync(join(root, 'test', 'frameworks', `${name}.mjs`), program)
  for (const shared of ['handshake.mjs', 'example.mjs'])
    copyFileSync(join(root, 'test', 'frameworks', shared), join(folder, shared))
  // A group of its own, with the example that it starts.
  const child = spawn(process.execPath, [program], { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const timer = setTimeout(() => endGroup(child.pid), timeMs)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise((resolve) => {
    child.on('exit', () => endGroup(child.pid))
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve(code === 0 ? undefined : `${output}\nit ended with ${code ?? `${signal}, after ${timeMs} ms at most`}`)
    })
  })
}

/** Ends the remaining processes of a program and of the example that it started. */
function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // The group has ended.
  }
}

const programs = chosen(process.argv.slice(2))
prepare()
compileExamples(programs)
for (const framework of programs) {
  const failure = await run(framework)
  console.log(`${failure === undefined ? 'passed' : 'FAILED'}  ${framework.name}: ${framework.shows}`)
  if (failure === undefined) continue
  console.log(failure)
  process.exitCode = 1
}
