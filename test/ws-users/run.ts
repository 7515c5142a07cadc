/**
 * `npm run test:ws-users`: packs `@twoway/ws` and the library, installs the packages of ws-users.ts into a new folder of
 * `.scratch` with `@twoway/ws` in the place of ws, runs each program there, and prints a line for each. A program passes if
 * it ends with 0, its packages have loaded `@twoway/ws`, and both of its ends have opened connections by it.
 *
 * `npm run test:ws-users -- socket graphql` runs those whose names contain one of the words, `--quick` a few that install
 * in seconds, and `--on ws` all with ws itself.
 */

import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fetchChromium } from '../browser/debian-chromium.js'
import { installFromDebian } from '../debian-packages.js'
import { type WsUser, wsUsers } from './ws-users.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const packages = join(root, '.scratch', 'packages')
const sources = join(root, 'test', 'ws-users')

/** Milliseconds that a program, or npm, may take. */
const timeMs = 90_000

const { values, positionals: words } = parseArgs({
  allowPositionals: true,
  options: { on: { type: 'string', default: '@twoway/ws' }, quick: { type: 'boolean', default: false } },
})
const { on, quick } = values
if (on !== 'ws' && on !== '@twoway/ws') throw new Error(`--on is ws or @twoway/ws, not ${on}`)
const folder = join(root, '.scratch', 'ws-users', on.replace('/', '-'))

function chosen(): readonly WsUser[] {
  const found = wsUsers.filter(
    ({ name, isQuick }) => (!quick || isQuick) && (words.length === 0 || words.some((word) => name.includes(word))),
  )
  if (found.length === 0) throw new Error(`There are only ${wsUsers.map(({ name }) => name).join(', ')}.`)
  return found
}

interface Finished {
  readonly status: number | string
  readonly output: string
}

/** Runs Node in a group of its own, so that the processes that a program leaves behind can be ended. */
function runNode(args: readonly string[], cwd: string, more: NodeJS.ProcessEnv = {}): Promise<Finished> {
  const env = { ...withoutNpm(), CI: '1', ...more }
  const child = spawn(process.execPath, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
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
      resolve({ status: code ?? `${signal}, after ${timeMs} ms at most`, output })
    })
  })
}

/** The environment without the settings that npm gives its own scripts: the folder is no workspace of ours. */
function withoutNpm(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(({ 0: name }) => !/^npm_(?!config_registry)/.test(name)))
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // The group has ended.
  }
}

async function checked(args: readonly string[], cwd: string): Promise<void> {
  const { status, output } = await runNode(args, cwd)
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${output}`)
}

/** The archive of a package in `.scratch/packages`. */
function archive(prefix: string): string {
  const file = readdirSync(packages).find((name) => name.startsWith(prefix) && /-\d[^-]*\.tgz$/.test(name))
  if (file === undefined) throw new Error(`There is no archive ${prefix} in ${packages}.`)
  return `file:${join(packages, file)}`
}

/** Installs the packages of the programs. Every package that depends on ws gets the one that is tested. */
async function install(users: readonly WsUser[]): Promise<void> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const tested: Record<string, string> =
    on === 'ws'
      ? { ws: versionOf(join(root, 'node_modules', 'ws')) }
      : { ws: archive('twoway-ws-'), twoway: archive('twoway-0') }
  const overrides = Object.fromEntries(Object.keys(tested).map((name) => [name, `$${name}`]))
  const dependencies = Object.assign(
    {},
    ...users.flatMap(({ packages, others }) => [packages, others]),
    tested,
  ) as Record<string, string>
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies, overrides }))
  // The packages name what they need beside them: y-protocols has a peer of which there is no stable version.
  const options = [
    '--legacy-peer-deps',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--prefer-offline',
  ]
  await checked([npmPath(), 'install', ...options, '--loglevel=error'], folder)
  cpSync(join(sources, 'programs'), folder, { recursive: true })
}

function versionOf(within: string): string {
  return (JSON.parse(readFileSync(join(within, 'package.json'), 'utf8')) as { readonly version: string }).version
}

function npmPath(): string {
  const path = process.env.npm_execpath
  if (path === undefined) throw new Error('Start this by npm: npm run test:ws-users')
  return path
}

function fetchFromDebian(users: readonly WsUser[]): void {
  if (users.some(({ needs }) => needs !== undefined)) fetchChromium()
  const driver = '/usr/bin/chromedriver'
  if (users.some(({ needs }) => needs === 'chromium-driver') && !existsSync(driver)) {
    installFromDebian(['chromium-driver'], `there is no ${driver}`)
  }
}

interface Connections {
  readonly names: Readonly<Record<string, string>>
  readonly counts: Readonly<Record<'client' | 'server', number>>
}

/** Resolves to the reason why a program failed, or to undefined. */
async function failureOf({ name, users, ends }: WsUser): Promise<string | undefined> {
  const countsFile = join(folder, `${name}.json`)
  const args = ['--import', new URL(`file://${join(sources, 'connections.mjs')}`).href, `${name}.mjs`]
  const env = { WS_USERS: JSON.stringify(users), WS_COUNTS: countsFile }
  const { status, output } = await runNode(args, folder, env)
  if (status !== 0) return `${output}\nIt ended with ${status}.`
  const { names, counts } = JSON.parse(readFileSync(countsFile, 'utf8')) as Connections
  const other = Object.entries(names).find(({ 1: loaded }) => loaded !== on)
  if (other !== undefined) return `${other[0]} has loaded ${other[1]}.`
  const unused = ends.find((end) => counts[end] === 0)
  return unused && `No ${unused} of ${on} has opened a connection.`
}

const users = chosen()
await checked([join(root, 'scripts', 'pack.cjs')], root)
await install(users)
fetchFromDebian(users)
for (const user of users) {
  const start = performance.now()
  const failure = await failureOf(user)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${failure === undefined ? 'passed' : 'FAILED'}  ${user.name} (${seconds} s): ${user.shows}`)
  if (failure === undefined) continue
  console.log(failure)
  process.exitCode = 1
}
const failed = process.exitCode === 1 ? 'some programs failed' : `all ${users.length} programs passed`
console.log(`With ${on} ${failed}.`)
