/**
 * `npm run test:packages`: packs the packages as for publishing, installs the archives into empty folders, and runs the command,
 * several processes and each template of `examples/templates` there. It also loads the brokers, the adapter of Socket.IO and the API of ws. Their other packages come from npm.
 */
import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { fetchChromium, launchChromium } from '../browser/debian-chromium.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const packages = join(root, '.scratch', 'packages')
const templates = join(root, 'examples', 'templates')
const timeout = 180_000

let folder: string | undefined

before(() => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'pack.cjs')], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  folder = mkdtempSync(join(tmpdir(), 'twoway-packages-'))
})

after(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

/** The archive of a package, such as `@twoway/cli`. */
function archive(name: string): string {
  const wanted = `${name.replace('@', '').replace('/', '-')}-`
  const file = readdirSync(packages).find((each) => each.startsWith(wanted) && /-\d[^-]*\.tgz$/.test(each))
  assert.ok(file !== undefined, `there is no archive of ${name}`)
  return `file:${join(packages, file)}`
}

function npm(within: string, ...args: readonly string[]): string {
  const path = process.env.npm_execpath
  const { status, stdout, stderr } = spawnSync(
    path === undefined ? 'npm' : process.execPath,
    path === undefined ? args : [path, ...args],
    { cwd: within, encoding: 'utf8', timeout, env: withoutNpm() },
  )
  assert.equal(status, 0, `npm ${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

/** The environment without the settings that npm gives its own scripts: the folders are no workspaces of ours. */
function withoutNpm(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?!config_registry)/.test(name)))
}

/** A new folder with these packages. */
function installed(name: string, manifest: object): string {
  const within = mkdtempSync(join(folder!, `${name}-`))
  writeFileSync(join(within, 'package.json'), JSON.stringify({ private: true, type: 'module', ...manifest }))
  npm(within, 'install', '--no-audit', '--no-fund', '--loglevel=error')
  return within
}

/** A copy of a template that takes the library from its archive. */
function copied(name: string): string {
  const manifest = JSON.parse(readFileSync(join(templates, name, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>
  }
  const within = installed(name, {
    ...manifest,
    dependencies: { ...manifest.dependencies, twoway: archive('twoway') },
  })
  cpSync(join(templates, name), within, { recursive: true, filter: (path) => !path.endsWith('package.json') })
  return within
}

/** Resolves to the URL that a program prints; rejects if it ends without one. */
async function printedUrl(child: ChildProcessByStdio<null, Readable, null>): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    text += chunk as string
    const url = /\b(?:ws|http):\/\/\S+(?=\s)/.exec(text)?.[0]
    if (url !== undefined) return url
  }
  throw new Error(`the program ended without a URL: ${text}`)
}

/** A program that prints a URL, once it is ready. */
async function started(within: string, file: string, args: readonly string[] = []) {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: within,
    env: { ...withoutNpm(), PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await printedUrl(child)
  child.stdout.resume()
  return {
    url,
    async end() {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      assert.deepEqual(await exit, [0, null])
    },
  }
}

function output(within: string, file: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], {
    cwd: within,
    encoding: 'utf8',
    timeout,
  })
  assert.equal(status, 0, stderr)
  return stdout
}

describe('the packed packages', { concurrency: 2 }, () => {
  it('have a README, a license and an address', () => {
    const names = readdirSync(packages).filter((name) => !name.endsWith('.tgz'))
    assert.ok(names.length >= 4)
    for (const name of names) {
      const files = readdirSync(join(packages, name))
      assert.ok(files.includes('README.md') && files.includes('LICENSE'), name)
      const manifest = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8')) as Record<string, unknown>
      for (const field of ['description', 'keywords', 'license', 'repository', 'homepage', 'bugs', 'engines']) {
        assert.ok(manifest[field] !== undefined, `${name} has no ${field}`)
      }
    }
  })

  it('run the command in an empty folder, by npx', { timeout }, async () => {
    const within = installed('command', {
      dependencies: { '@twoway/cli': archive('@twoway/cli') },
      overrides: { twoway: archive('twoway') },
    })
    assert.match(npm(within, 'exec', '--', '@twoway/cli', '--version'), /^\d+\.\d+\.\d+/)
    const bin = join('node_modules', '@twoway', 'cli', 'bin', 'twoway.js')
    const echo = await started(within, bin, ['echo', '--port', '0'])
    assert.match(await (await fetch(echo.url.replace('ws:', 'http:'))).text(), /<title>/)
    const address = echo.url.replace('http:', 'ws:')
    assert.match(output(within, bin, 'connect', `${address}?mirror=request`, '--expect', '1'), /"method":/)
    await echo.end()
  })

  it('load the brokers, the adapter of Socket.IO and the API of ws', { timeout }, () => {
    const names = ['twoway', '@twoway/nats', '@twoway/redis', '@twoway/socket-io', '@twoway/ws']
    const archives = Object.fromEntries(names.map((name) => [name, archive(name)]))
    const within = installed('others', {
      dependencies: { ...archives, 'socket.io-adapter': '2.5.9' },
      overrides: { twoway: '$twoway', '@twoway/socket-io': '$@twoway/socket-io' },
    })
    const imports = [
      "import { natsBroker } from '@twoway/nats'",
      "import { redisBroker } from '@twoway/redis'",
      "import { WebSocketServer } from '@twoway/ws'",
      "import { createAdapter } from '@twoway/socket-io'",
      "import { createAdapter as ofNats } from '@twoway/nats/socket.io'",
      "import { createAdapter as ofRedis } from '@twoway/redis/socket.io'",
      'console.log(typeof natsBroker, typeof redisBroker, typeof WebSocketServer)',
      'console.log(typeof createAdapter, ofNats === createAdapter, ofRedis === createAdapter)',
    ]
    writeFileSync(join(within, 'main.mjs'), imports.join('\n'))
    assert.equal(output(within, 'main.mjs'), 'function function function\nfunction true true\n')
  })

  it('keep the names of functions and classes, which stack traces show', async () => {
    const commonjs = join(packages, 'twoway', 'dist', 'commonjs')
    const load = createRequire(join(commonjs, 'server.cjs'))
    const server = load('./server.cjs') as Record<string, { readonly name?: string }>
    const classes = Object.entries(server).filter(([name]) => /^[A-Z]/.test(name))
    assert.ok(classes.length >= 4)
    for (const [name, value] of classes) assert.equal(value.name, name)
    // Internal ones too: a class that is assigned to a variable takes its name from that.
    const parts = readdirSync(join(commonjs, 'parts'))
      .filter((part) => part !== 'worker.cjs')
      .flatMap((part) => Object.values(load(`./parts/${part}`) as object))
    const names = new Set(parts.map((value: { readonly name?: unknown }) => value?.name))
    for (const name of ['Connection', 'WorkerServers', 'offersWebSocket', 'defineWebSocket'])
      assert.ok(names.has(name), name)
    const { serve } = server as unknown as { serve(options: object): Promise<unknown> }
    await assert.rejects(serve({ port: 'x' }), ({ stack }: Error) =>
      /at wrongOption .*at settleServe .*at (?:Object\.)?serve /s.test(stack ?? ''),
    )
  })

  it('keep the names of what pages import', async () => {
    for (const entry of ['browser', 'link-browser']) {
      const file = join(packages, 'twoway', 'dist', 'entries', `${entry}.js`)
      const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>
      const exported = Object.entries(module).filter(([, value]) => typeof value === 'function')
      assert.ok(exported.length > 0)
      for (const [name, value] of exported) assert.equal((value as { readonly name: string }).name, name)
    }
  })

  it('keep the lines of lists in the comments of declarations', () => {
    const declarations = readFileSync(join(packages, 'twoway', 'dist', 'types', 'server.d.ts'), 'utf8')
    for (const item of [' * 1. ', ' * 2. ', '\t * - ']) assert.ok(declarations.includes(`\n${item}`), item)
  })

  it('run the template javascript', { timeout }, async () => {
    const within = copied('javascript')
    const server = await started(within, 'server.js')
    assert.equal(output(within, 'client.js', server.url), 'Welcome!\nHello WebSockets!\nClosed: 1000 bye\n')
    await server.end()
  })

  it('build and run the template typescript', { timeout }, async () => {
    const within = copied('typescript')
    npm(within, 'run', '--silent', 'build')
    const server = await started(within, 'dist/server.js')
    const url = `${server.url}?name=Bob`
    assert.equal(output(within, 'dist/client.js', url), 'Welcome, Bob!\nHello WebSockets!\nClosed: 1000 bye\n')
    await server.end()
  })

  it('run several processes, which share topics and are restarted', { timeout }, async () => {
    const within = copied('javascript')
    for (const file of ['workers.mjs', 'worker.mjs']) {
      cpSync(join(root, 'test', 'packages', file), join(within, file))
    }
    assert.equal(output(within, 'workers.mjs'), 'from 2 processes\nrestarted\n')
  })

  it('build and run the template react-chat, for two pages', { timeout }, async () => {
    fetchChromium()
    const within = copied('react-chat')
    npm(within, 'run', '--silent', 'build')
    const server = await started(within, 'server.js')
    const browser = await launchChromium()
    try {
      const ann = await entered(await browser.newPage(), server.url, 'Ann')
      await ann.getByLabel('Message').fill('Is anyone here?')
      await ann.getByRole('button', { name: 'Send' }).click()
      const bob = await entered(await browser.newPage(), server.url, 'Bob')
      await bob.getByText('Is anyone here?').waitFor()
      await ann.getByText('with Ann, Bob').waitFor()
    } finally {
      await browser.close()
      await server.end()
    }
  })
})

async function entered(page: Page, url: string, name: string): Promise<Page> {
  await page.goto(url)
  await page.getByLabel('Your name').fill(name)
  await page.getByRole('button', { name: 'Enter' }).click()
  await page.getByText('online').waitFor()
  return page
}
