/** The hooks for React and the composables for Vue of examples/components, in Chromium, with the real packages. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { createHub } from 'twoway/hub'
import { type Server, type ServerSocket, serve } from 'twoway/server'
import { fetchChromium, launchChromium } from '../browser/debian-chromium.js'
import { installPackages } from '../runtimes/install-packages.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = join(root, '.scratch', 'components')
const packages = {
  react: '19.3.1',
  'react-dom': '19.3.1',
  '@types/react': '19.3.3',
  '@types/react-dom': '19.3.0',
  vue: '3.5.45',
}
const programs = { React: 'react/chat.tsx', Vue: 'vue/chat.ts' }

/** Copies the examples beside their packages and the library, and has the compiler check their types. */
function prepare(): void {
  if (!existsSync(join(folder, 'node_modules', 'vue'))) installPackages(folder, packages)
  rmSync(join(folder, 'node_modules', 'twoway'), { force: true })
  symlinkSync(join(root, 'packages', 'twoway'), join(folder, 'node_modules', 'twoway'), 'junction')
  rmSync(join(folder, 'examples'), { recursive: true, force: true })
  cpSync(join(root, 'examples', 'components'), join(folder, 'examples'), { recursive: true })
  const compilerOptions = {
    target: 'es2023',
    module: 'esnext',
    moduleResolution: 'bundler',
    jsx: 'react-jsx',
    lib: ['es2023', 'dom', 'dom.iterable'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    noEmit: true,
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['examples'] }))
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
}

async function bundle(program: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'examples', program)],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"development"', __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false' },
    write: false,
  })
  return outputFiles[0]!.text
}

/** A hub that also serves the page, and can lose its connections. */
class ChatServer {
  readonly #script: string
  readonly #sockets = new Set<ServerSocket>()
  #server: Server | undefined
  subscriptions: () => number = () => 0

  constructor(script: string) {
    this.#script = script
  }

  get url(): string {
    return this.#server!.url.replace('ws', 'http')
  }

  /** With each start the hub forgets all messages but these. */
  async start(port: number, texts: readonly string[]): Promise<void> {
    const hub = createHub({
      topics: { 'room.*': { publish: true, presence: true } },
      authenticate: ({ token }) => ({ user: `${token}` }),
    })
    for (const text of texts) await hub.publish('room.1', text)
    const { open, ...handlers } = hub.handlers()
    this.subscriptions = () => hub.metrics().subscriptions
    this.#server = await serve({
      port,
      ...handlers,
      open: (socket) => {
        this.#sockets.add(socket)
        open?.(socket)
      },
      request: ({ url }) =>
        new URL(url).pathname === '/chat.js'
          ? { status: 200, headers: { 'Content-Type': 'text/javascript' }, body: this.#script }
          : {
              status: 200,
              headers: { 'Content-Type': 'text/html' },
              body: '<!doctype html><meta charset="utf-8"><div id="app"></div><script type="module" src="chat.js"></script>',
            },
    })
  }

  cut(): void {
    for (const socket of this.#sockets) socket.terminate()
    this.#sockets.clear()
  }

  async stop(): Promise<number> {
    const port = Number(new URL(this.#server!.url).port)
    this.cut()
    await this.#server!.close()
    return port
  }
}

/** Waits until the page shows exactly these messages. */
async function shows(page: Page, texts: readonly string[]): Promise<void> {
  const shown = (wanted: readonly string[]): boolean =>
    [...document.querySelectorAll('li')].map(({ textContent }) => textContent).join('\n') === wanted.join('\n')
  await page.waitForFunction(shown, texts)
}

async function say(page: Page, text: string): Promise<void> {
  await page.fill('input', text)
  await page.press('input', 'Enter')
}

describe('the examples for components', { timeout: 120_000 }, () => {
  let browser: Browser
  before(async () => {
    fetchChromium()
    prepare()
    browser = await launchChromium()
  })
  after(() => browser?.close())

  async function enter(context: TestContext, server: ChatServer, name: string, faults: string[]): Promise<Page> {
    const browserContext = await browser.newContext()
    context.after(() => browserContext.close())
    const page = await browserContext.newPage()
    page.on('pageerror', (error) => faults.push(String(error)))
    page.on('dialog', (dialog) => {
      faults.push(dialog.message())
      void dialog.dismiss()
    })
    await page.goto(`${server.url}?name=${name}`)
    await page.waitForSelector('[data-state="online"]')
    return page
  }

  for (const [framework, program] of Object.entries(programs)) {
    it(`${framework}: a chat shows state, messages and members, and resumes`, async (context) => {
      const server = new ChatServer(await bundle(program))
      await server.start(0, ['a'])
      context.after(() => server.stop())
      const faults: string[] = []
      const [ann, bob] = [await enter(context, server, 'Ann', faults), await enter(context, server, 'Bob', faults)]
      const showsBoth = () => document.querySelector('#members')!.textContent === 'Ann, Bob'
      await Promise.all([ann.waitForFunction(showsBoth), bob.waitForFunction(showsBoth)])
      assert.equal(server.subscriptions(), 2)
      await say(ann, 'b')
      await shows(bob, ['undefined: a', 'Ann: b'])

      server.cut()
      await say(ann, 'c')
      await shows(bob, ['undefined: a', 'Ann: b', 'Ann: c'])

      // A hub that has lost its messages: the pages show what it has.
      const port = await server.stop()
      await ann.waitForSelector('[data-state="offline"], [data-state="connecting"]')
      await server.start(port, ['x', 'y'])
      for (const page of [ann, bob]) await shows(page, ['undefined: x', 'undefined: y'])
      await say(bob, 'z')
      for (const page of [ann, bob]) await shows(page, ['undefined: x', 'undefined: y', 'Bob: z'])
      assert.deepEqual(faults, [])
    })
  }
})
