/**
 * `npm run test:site`: visits the built site of the documentation in Chromium, which `npm run docs` builds. Each live example of the
 * tutorial must print what the page says, the panel of the front page must work, axe-core must find nothing on a desktop and on
 * a phone in both themes, and no page may load anything from the network. `SITE_PAGES=all` has axe-core visit every page.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { serve } from 'twoway/server'
import { fetchChineseFont, fetchChromium, launchChromium } from '../browser/debian-chromium.js'
import { type EchoProcess, startEcho } from '../echo-process.js'
import { type Site, serveSite } from './serve-site.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const dist = `${root}docs/.vitepress/dist`
const timeout = 300_000

const desktop = { width: 1280, height: 800 }
const phone = { width: 360, height: 740 }

/** Pages of each layout. */
const somePages = ['', 'zh/', 'tutorial/messages', 'reference/options', 'reference/api/link']

let site: Site
let browser: Browser
let echo: EchoProcess
let board: Awaited<ReturnType<typeof serve>>

before(async () => {
  assert.ok(existsSync(`${dist}/index.html`), 'npm run docs builds the site')
  fetchChromium()
  fetchChineseFont()
  site = await serveSite(dist)
  browser = await launchChromium()
  echo = await startEcho(['--any-origin'])
  board = await serve({
    port: 0,
    origin: 'any',
    open: (socket) => void socket.subscribe('board'),
    message: (socket, message) => void socket.server.publish('board', message, { except: socket }),
  })
})

after(async () => {
  await browser?.close()
  await site?.close()
  await echo?.process.kill()
  await board?.close()
})

/** Runs a visit in a new window, and fails if the page asked another server or reported an error. */
async function visit(
  path: string,
  options: Parameters<Browser['newContext']>[0],
  look: (page: Page, context: BrowserContext) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ viewport: desktop, reducedMotion: 'reduce', ...options })
  const faults: string[] = []
  context.on('request', (request) => {
    if (!request.url().startsWith(site.url) && !/^(?:data|blob|about):/.test(request.url())) faults.push(request.url())
  })
  context.on('weberror', (error) => faults.push(error.error().message))
  try {
    const page = await context.newPage()
    await page.goto(site.url + path, { waitUntil: 'networkidle' })
    await look(page, context)
    assert.deepEqual(faults, [])
  } finally {
    await context.close()
  }
}

describe('the tutorial', { timeout, concurrency: 2 }, () => {
  for (const language of ['', 'zh/']) {
    for (const name of readdirSync(`${root}docs/${language}tutorial`)) {
      it(`has live examples that print what ${language}tutorial/${name} says`, async () => {
        const text = readFileSync(`${root}docs/${language}tutorial/${name}`, 'utf8')
        const outputs = [...text.matchAll(/^```text output\n(.*?)^```/gms)].map(([, output]) => output!)
        assert.equal(text.match(/^```html live$/gm)?.length, outputs.length)
        await visit(`${language}tutorial/${name.replace(/(?:index)?\.md$/, '')}`, {}, async (page) => {
          const examples = page.locator('.live-example')
          assert.equal(await examples.count(), outputs.length)
          for (const [index, output] of outputs.entries()) {
            const example = examples.nth(index)
            const code = await example.locator('textarea').inputValue()
            const own = code
              .replaceAll('ws://127.0.0.1:8080/', `${echo.url}/`)
              .replaceAll('ws://127.0.0.1:8090/', board.url)
            await example.locator('textarea').fill(own)
            await example.locator('.run').click()
            const printed = example.frameLocator('iframe').locator('#printed')
            await lines(printed, output.trimEnd().split('\n').length)
            assert.equal(await printed.textContent(), output)
          }
        })
      })
    }
  }
})

/** Resolves when an output has a number of lines, or after ten seconds. */
async function lines(printed: Locator, count: number): Promise<void> {
  const end = performance.now() + 10_000
  while (performance.now() < end) {
    const text = (await printed.count()) === 0 ? '' : ((await printed.textContent()) ?? '')
    if (text.split('\n').length > count) return
    await setTimeout(20)
  }
}

describe('the front page', { timeout }, () => {
  for (const path of ['', 'zh/']) {
    it(`has two clients that talk within the page: /${path}`, async () => {
      await visit(path, {}, async (page) => {
        const [ann, bob] = [page.locator('.clients form').nth(0), page.locator('.clients form').nth(1)]
        await ann.getByRole('textbox').fill('Hello Bob!')
        await ann.getByRole('button').click()
        await bob.getByText('Hello Bob!').waitFor()
        await bob.getByRole('textbox').fill('你好！')
        await bob.getByRole('button').click()
        await ann.getByText('你好！').waitFor()
      })
    })
  }
})

describe('the search', { timeout }, () => {
  it('finds words of both languages', async () => {
    for (const [path, word, found] of [
      ['', 'backpressure', 'Backpressure'],
      ['zh/', '画板', '双人画板'],
    ] as const) {
      await visit(path, {}, async (page) => {
        await page.locator('.VPNavBarSearch button').click()
        await page.locator('#localsearch-input').fill(word)
        await page.locator('#localsearch-list').getByText(found).first().waitFor()
      })
    }
  })
})

describe('axe-core', { timeout: 3_600_000, concurrency: 2 }, () => {
  const pages = process.env.SITE_PAGES === 'all' ? builtPages() : somePages
  for (const path of pages) {
    it(`finds nothing on /${path}`, async () => {
      await visit(path, { colorScheme: 'light' }, async (page) => {
        for (const viewport of [desktop, phone]) {
          await page.setViewportSize(viewport)
          for (const colorScheme of ['light', 'dark'] as const) {
            await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
            await page.locator(colorScheme === 'dark' ? 'html.dark' : 'html:not(.dark)').waitFor()
            assert.deepEqual(await violations(page), [], `${viewport.width} px, ${colorScheme}`)
          }
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
          assert.ok(overflow <= 0, `the page is ${overflow} px too wide for ${viewport.width} px`)
        }
      })
    })
  }
})

/** The complaints of axe-core: the rule, and the elements. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      readonly axe: {
        run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>
      }
    }
    const { violations } = await axe.run()
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
    )
  })
}

function builtPages(): string[] {
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.html') && file !== '404.html')
    .map((file) => file.replaceAll('\\', '/').replace(/(?:(?<=^|\/)index)?\.html$/, ''))
}
