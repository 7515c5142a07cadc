import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { launchChromium } from '../browser/debian-chromium.js'
import type { Order, Report } from './suite.js'

/** The time after which a page is closed. */
const pageTimeoutMs = 180_000

export interface ChromiumOptions {
  /** Removes the browser's own WebSocketStream, so that `twoway` provides ours. */
  readonly withoutWebSocketStream?: boolean
}

/** Runs the suite in a page of Debian's Chromium. */
export async function runChromium(order: Order, { withoutWebSocketStream }: ChromiumOptions): Promise<Report> {
  const script = await bundle()
  const pages = await servePage(script)
  const browser = await launchChromium()
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
    // A page has SharedArrayBuffer only if it is cross-origin isolated.
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
