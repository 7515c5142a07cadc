/**
 * `npm run test:frameworks`: installs the packages of the table of frameworks.ts into `.scratch`, runs each program beside
 * them, and prints a line for each. `npm run test:frameworks -- passport` runs those whose names contain one of the words.
 */

import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { installPackages } from '../runtimes/install-packages.js'
import { type Framework, frameworks } from './frameworks.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = join(root, '.scratch', 'frameworks')

/** Milliseconds that a program may take. */
const timeMs = 60_000

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
  copyFileSync(join(root, 'test', 'frameworks', 'handshake.mjs'), join(folder, 'handshake.mjs'))
  const child = spawn(process.execPath, [program], { cwd: folder, timeout: timeMs, killSignal: 'SIGKILL' })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      resolve(code === 0 ? undefined : `${output}\nit ended with ${code ?? `${signal}, after ${timeMs} ms at most`}`)
    })
  })
}

const programs = chosen(process.argv.slice(2))
prepare()
for (const framework of programs) {
  const failure = await run(framework)
  console.log(`${failure === undefined ? 'passed' : 'FAILED'}  ${framework.name}: ${framework.shows}`)
  if (failure === undefined) continue
  console.log(failure)
  process.exitCode = 1
}
