import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { freePort } from 'twoway-testing/peers/free-ports.js'
import { NodeProcess } from '../echo-process.js'
import { launchChromium } from './debian-chromium.js'

const script = fileURLToPath(new URL('../../../examples/dist/chat/main.js', import.meta.url))

let browser: Browser
let folder: string
before(async () => {
  browser = await launchChromium()
  folder = mkdtempSync(join(tmpdir(), 'twoway-chat-'))
})
after(async () => {
  await browser.close()
  rmSync(folder, { recursive: true })
})

async function startChat(context: TestContext, args: readonly string[]): Promise<NodeProcess> {
  const chat = new NodeProcess(script, [...args])
  context.after(() => chat.kill())
  await new Promise<void>((resolve, reject) => {
    chat.child.stdout!.on('data', () => {
      if (chat.stdout.includes('The chat is on')) resolve()
    })
    void chat.ended.then(({ code, stderr }) => reject(new Error(`the chat ended with ${code}: ${stderr}`)))
  })
  return chat
}

async function enter(context: TestContext, port: number, name: string): Promise<Page> {
  const browserContext = await browser.newContext({ locale: 'en' })
  context.after(() => browserContext.close())
  const page = await browserContext.newPage()
  await page.goto(`http://127.0.0.1:${port}/`)
  await page.fill('#name', name)
  await page.click('#entrance button')
  await page.waitForSelector('#status[data-state="online"]')
  await page.waitForSelector('#rooms button[aria-current]')
  return page
}

async function say(page: Page, text: string): Promise<void> {
  await page.fill('#text', text)
  await page.press('#text', 'Enter')
}

const texts = (page: Page): Promise<string[]> =>
  page.$$eval('#messages li', (items) => items.map((item) => item.querySelector('.text')!.textContent ?? ''))

/** Waits until both pages show as many messages, all of them stored. */
async function waitFor(pages: readonly Page[], count: number): Promise<string[]> {
  for (const page of pages) {
    await page.waitForFunction(
      (wanted) =>
        document.querySelectorAll('#messages li').length === wanted &&
        document.querySelector('#messages .waiting') === null,
      count,
      { timeout: 60_000 },
    )
  }
  const [first, ...others] = await Promise.all(pages.map(texts))
  for (const other of others) assert.deepEqual(other, first)
  assert.equal(new Set(first).size, count)
  return first!
}

describe('the chat in a browser', { timeout: 200_000 }, () => {
  it('loses nothing while the server is killed and started again, and a page is reloaded', async (context) => {
    const port = await freePort()
    const args = ['--port', String(port), '--file', join(folder, 'chat.jsonl')]
    const chat = await startChat(context, args)
    const [ann, bob] = [await enter(context, port, 'Ann'), await enter(context, port, 'Bob')]
    for (let index = 0; index < 20; index += 1) {
      await say(ann, `ann ${index}`)
      await say(bob, `bob ${index}`)
    }
    await waitFor([ann, bob], 40)
    await chat.kill()
    await ann.waitForSelector('#status[data-state="offline"], #status[data-state="connecting"]')
    for (let index = 20; index < 100; index += 1) {
      await say(ann, `ann ${index}`)
      await say(bob, `bob ${index}`)
    }
    await startChat(context, args)
    const seen = await waitFor([ann, bob], 200)
    for (const name of ['ann', 'bob']) {
      assert.deepEqual(
        seen.filter((text) => text.startsWith(name)),
        Array.from({ length: 100 }, (_, index) => `${name} ${index}`),
      )
    }
    await bob.reload()
    await waitFor([ann, bob], 200)
    await say(bob, 'after the reload')
    await waitFor([ann, bob], 201)
  })

  it('resumes on another worker when one is killed, and shows who is there, who types and who has read', async (context) => {
    const port = await freePort()
    const chat = await startChat(context, ['--port', String(port), '--workers', '2'])
    const pages = await Promise.all(['Ann', 'Bob', 'Cid'].map((name) => enter(context, port, name)))
    for (const page of pages) {
      await page.waitForFunction(() => document.querySelector('#members')!.textContent!.startsWith('3 people here'))
    }
    const [ann, bob] = pages as [Page, Page, Page]
    for (let index = 0; index < 10; index += 1) await say(ann, `before ${index}`)
    await waitFor(pages, 10)
    const workers = childrenOf(chat.child.pid!)
    assert.equal(workers.length, 2)
    process.kill(workers[0]!, 'SIGKILL')
    for (let index = 0; index < 10; index += 1)
      for (const page of pages) await say(page, `${pages.indexOf(page)} ${index}`)
    await waitFor(pages, 40)
    await ann.fill('#text', 'I am typing')
    await bob.waitForFunction(() => document.querySelector('#typing')!.textContent!.includes('Ann'))
    await say(ann, 'read me')
    await ann.waitForFunction(() =>
      document.querySelector('#messages li:last-child .note')?.textContent?.includes('Bob'),
    )
  })

  it('speaks two languages, and fits a phone', async (context) => {
    const port = await freePort()
    await startChat(context, ['--port', String(port), '--file', join(folder, 'phone.jsonl')])
    const page = await enter(context, port, 'Ann')
    await page.setViewportSize({ width: 360, height: 640 })
    await say(page, 'a'.repeat(300))
    await waitFor([page], 1)
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
    await page.click('#language')
    assert.equal(await page.textContent('#composer button'), '发送')
  })
})

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
  return stdout.trim().split(/\s+/).map(Number)
}
