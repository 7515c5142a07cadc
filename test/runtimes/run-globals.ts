/**
 * `npm run test:globals`: an echo under test runners that replace timers, globals and realms. Jest and sinon come from npm into
 * a folder that Git ignores. Prints a line for each case, and fails if one does.
 */
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { installPackages } from './install-packages.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = join(root, '.scratch/globals')
const dependencies = { jest: '30.5.2', 'jest-environment-jsdom': '30.5.2', sinon: '22.1.0' }

const environments: Readonly<Record<string, object>> = {
  node: { testEnvironment: 'node' },
  // Without the option, Jest takes the library's entry for browsers there.
  jsdom: { testEnvironment: 'jsdom', testEnvironmentOptions: { customExportConditions: ['node', 'node-addons'] } },
}
const fakes: Readonly<Record<string, object>> = {
  'no fake timers': {},
  'modern fake timers': { fakeTimers: { enableGlobally: true } },
  'legacy fake timers': { fakeTimers: { enableGlobally: true, legacyFakeTimers: true } },
}

interface Case {
  readonly name: string
  readonly args: readonly string[]
}

const jest = Object.entries(environments).flatMap(([environment, settings]) =>
  Object.entries(fakes).map(([fake, timers]): Case => {
    const config = `${environment}-${fake.replaceAll(' ', '-')}.json`
    writeConfig(config, { ...settings, ...timers, transform: {}, testMatch: ['**/jest-echo.mjs'] })
    const bin = join(folder, 'node_modules/jest/bin/jest.js')
    return { name: `Jest, ${environment}, ${fake}`, args: ['--experimental-vm-modules', bin, '--config', config] }
  }),
)
const runners = ['node:test', 'node:test, before the import', 'sinon', 'sinon, before the import']
const others = runners.map((name): Case => ({ name, args: ['mock-echo.mjs', ...name.split(', ')] }))

function writeConfig(name: string, config: object): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, name),
    JSON.stringify({ rootDir: folder, moduleFileExtensions: ['mjs', 'js', 'json'], ...config }),
  )
}

function isInstalled(): boolean {
  const manifest = join(folder, 'package.json')
  if (!existsSync(manifest) || !existsSync(join(folder, 'node_modules/sinon'))) return false
  return JSON.stringify(JSON.parse(readFileSync(manifest, 'utf8')).dependencies) === JSON.stringify(dependencies)
}

/** The output of a case that failed, or undefined. */
function run({ args }: Case): Promise<string | undefined> {
  const child = spawn(process.execPath, args, { cwd: folder, timeout: 60_000, env: { ...process.env, CI: '1' } })
  const output: string[] = []
  child.stdout.on('data', (text) => output.push(String(text)))
  child.stderr.on('data', (text) => output.push(String(text)))
  return new Promise((resolve) => {
    child.on('close', (code, signal) =>
      resolve(code === 0 ? undefined : `${output.join('')}ended with ${code ?? signal}`),
    )
  })
}

if (!isInstalled()) installPackages(folder, dependencies)
const programs = fileURLToPath(new URL('../../globals/', import.meta.url))
for (const name of ['jest-echo.mjs', 'mock-echo.mjs', 'echo.mjs']) cpSync(join(programs, name), join(folder, name))

for (const each of [...jest, ...others]) {
  const failure = await run(each)
  console.log(`${failure === undefined ? 'passed' : 'FAILED'}  ${each.name}`)
  if (failure === undefined) continue
  console.log(failure)
  process.exitCode = 1
}
