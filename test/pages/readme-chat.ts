/** The chat of README.md in two pages of Chromium, as a reader would copy it. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { after, before, describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { fetchChromium, launchChromium } from '../browser/debian-chromium.js'
import { NodeProcess } from '../echo-process.js'

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
const blocks = [...readme.matchAll(/```(\w*)\n(.*?)```/gs)].map(([, language, code]) => ({ language, code: code! }))
const program = blocks.find(({ language, code }) => language === 'js' && code.includes('createHub'))!.code
const html = blocks.find(({ language }) => language === 'html')!.code
/** Beside the tests, so that the program finds the library by its name. */
const folder = fileURLToPath(new URL('./readme-chat/', import.meta.url))

/** Starts the server on a port, or on a free one, and resolves to its URL. */
async function start(
  context: TestContext,
  port: number,
): Promise<{ readonly url: string; readonly chat: NodeProcess }> {
  writeFileSync(`${folder}server.mjs`, program.replace('8080', String(port)))
  const chat = new NodeProcess(`${folder}server.mjs`, [])
  context.after(() => chat.kill())
  const url = await new Promise<string>((resolve, reject) => {
    chat.child.stdout!.on('data', () => {
      const found = /http:\S+/.exec(chat.stdout)
      if (found) resolve(found[0])
    })
    void chat.ended.then(({ code, stderr }) => reject(new Error(`the server ended with ${code}: ${stderr}`)))
  })
  return { url, chat }
}

describe('the chat of README.md', { timeout: 60_000 }, () => {
  let browser: Browser
  before(async () => {
    fetchChromium()
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${folder}chat.html`, html)
    browser = await launchChromium()
  })
  after(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function enter(context: TestContext, url: string, name: string, faults: string[]): Promise<Page> {
    const browserContext = await browser.newContext()
    context.after(() => browserContext.close())
    const page = await browserContext.newPage()
    page.on('pageerror', (error) => faults.push(String(error)))
    page.on('dialog', (dialog) => {
      if (dialog.type() !== 'prompt') faults.push(dialog.message())
      void dialog.accept(name)
    })
    await page.goto(url)
    await page.waitForFunction(() => document.querySelector('#state')!.textContent!.startsWith('online'))
    return page
  }

  const say = async (page: Page, text: string): Promise<void> => {
    await page.fill('input', text)
    await page.press('input', 'Enter')
  }
  const shows = (page: Page, selector: string, text: string): Promise<unknown> =>
    page.waitForFunction(([where, wanted]) => document.querySelector(where!)?.textContent === wanted, [selector, text])

  it('has less than 60 lines', () => assert.ok(`${program}${html}`.split('\n').length < 60))

  it('shows history and members, and goes on after a restart of the server', async (context) => {
    const { url, chat } = await start(context, 0)
    const faults: string[] = []
    const ann = await enter(context, url, 'Ann', faults)
    await say(ann, 'Hello!')
    await shows(ann, '#messages', 'Ann: Hello!')
    const bob = await enter(context, url, 'Bob', faults)
    await shows(bob, '#messages', 'Ann: Hello!')
    await Promise.all([shows(ann, '#members', 'Ann, Bob'), shows(bob, '#members', 'Ann, Bob')])
    await bob.close()
    await shows(ann, '#members', 'Ann')
    await chat.kill()
    await ann.waitForFunction(() => !document.querySelector('#state')!.textContent!.startsWith('online'))
    await start(context, Number(new URL(url).port))
    // The new server has no messages, so the page loads itself anew.
    await shows(ann, '#messages', '')
    await ann.waitForFunction(() => document.querySelector('#state')!.textContent!.startsWith('online'))
    await say(ann, 'Again!')
    await shows(ann, '#messages', 'Ann: Again!')
    assert.deepEqual(faults, [])
  })
})
