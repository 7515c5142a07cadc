import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import type { Order, Report } from './suite.js'

const program = '/usr/bin/chromium'

/** Without a sandbox, as it may run as root; and without what would ask the network for anything. */
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A page that has not ended by then is closed. */
const pageTimeoutMs = 180_000

export interface ChromiumOptions {
  /** Takes the browser's own WebSocketStream away, so that `twoway` has ours there. */
  readonly withoutWebSocketStream?: boolean
}

/** Runs the suite in a page of Debian's Chromium. */
export async function runChromium(order: Order, { withoutWebSocketStream }: ChromiumOptions): Promise<Report> {
  const script = await bundle()
  const pages = await servePage(script)
  const browser = await chromium.launch({ executablePath: program, args: [...args], timeout: 60_000 })
  const timer = setTimeout(() => void browser.close(), pageTimeoutMs)
  try {
    const page = await browser.newPage()
    if (withoutWebSocketStream) {
      await page.addInitScript('delete globalThis.WebSocketStream; delete globalThis.WebSocketError')
    }
    await page.goto(pages.url)
    return await page.evaluate(`runSuite(${JSON.stringify(order)})`)
  } finally {
    clearTimeout(timer)
    await browser.close()
    pages.close()
  }
}

/** Installs Chromium from Debian where it is missing, and returns its version. */
export function fetchChromium(): string {
  if (!existsSync(program)) {
    console.log('Installing Chromium from Debian ...')
    const apt = ['apt-get', 'install', '--yes', '--no-install-recommends', 'chromium']
    if (run('apt-get', ['update']) !== 0 || run(apt[0]!, apt.slice(1)) !== 0) {
      throw new Error(`there is no ${program}, and "${apt.join(' ')}" failed: it takes a Debian, and root`)
    }
  }
  const { stdout } = spawnSync(program, ['--version', '--no-sandbox'], { encoding: 'utf8', timeout: 60_000 })
  return /[\d.]+/.exec(stdout)?.[0] ?? 'of no version'
}

function run(command: string, rest: readonly string[]): number | null {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync(command, rest, { stdio: ['ignore', 'ignore', 'inherit'], env, timeout: 600_000 }).status
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('suite-page.js', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    logLevel: 'error',
  })
  return outputFiles[0]!.text
}

async function servePage(script: string): Promise<{ readonly url: string; close(): void }> {
  const page =
    '<!doctype html><meta charset="utf-8"><title>Twoway</title><script type="module" src="suite.js"></script>'
  const server = createServer(({ url }, response) => {
    const isScript = url === '/suite.js'
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html')
    // A page has SharedArrayBuffer only where it is isolated.
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
    response.end(isScript ? script : page)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
