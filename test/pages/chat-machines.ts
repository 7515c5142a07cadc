/** `npm run chat -- --nodes 2 --broker ...` in Chromium: a page of each node, whose buttons kill the node and the broker. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { fetchServer } from 'twoway-test/brokers/debian-server'
import { freePorts } from 'twoway-testing/peers/free-ports.js'
import { fetchChromium, launchChromium } from '../browser/debian-chromium.js'
import { NodeProcess } from '../echo-process.js'

const script = fileURLToPath(new URL('../../../examples/dist/chat/main.js', import.meta.url))
/** A program of a broker, and the locale of the pages. */
const cases = { nats: ['nats-server', 'en'], redis: ['redis-server', 'zh-CN'] } as const
const labels = {
  en: { machine: 'Node 1 of 2, on nats', killNode: 'Kill this node', killBroker: 'Kill the broker', here: '2 people' },
  'zh-CN': {
    machine: '第 1 个节点（共 2 个），消息经 redis 转发',
    killNode: '杀掉这个节点',
    killBroker: '杀掉消息代理',
    here: '2 人',
  },
}

let folder: string

/** Starts the chat, and resolves to the URLs that it prints. */
async function start(context: TestContext, args: readonly string[]): Promise<{ chat: NodeProcess; urls: string[] }> {
  const chat = new NodeProcess(script, args, { cwd: folder })
  context.after(async () => {
    chat.child.kill('SIGTERM')
    await chat.ended
  })
  await new Promise<void>((resolve, reject) => {
    chat.child.stdout!.on('data', () => {
      if (chat.stdout.includes('Open each')) resolve()
    })
    void chat.ended.then(({ code, stderr }) => reject(new Error(`the chat ended with ${code}: ${stderr}`)))
  })
  return { chat, urls: chat.stdout.match(/http:\S+\//g)! }
}

async function say(page: Page, text: string): Promise<void> {
  await page.fill('#text', text)
  await page.press('#text', 'Enter')
}

/** Waits until the pages show these messages, all of them stored. */
async function show(pages: readonly Page[], texts: readonly string[]): Promise<void> {
  for (const page of pages) {
    await page.waitForFunction(
      (wanted) => {
        const shown = [...document.querySelectorAll('#messages li')]
        const isStored = shown.every((item) => !item.classList.contains('waiting'))
        const all = shown.map((item) => item.querySelector('.text')!.textContent)
        return isStored && JSON.stringify(all) === JSON.stringify(wanted)
      },
      texts,
      { timeout: 30_000 },
    )
  }
}

describe('the chat on two machines', { timeout: 120_000, concurrency: true }, () => {
  let browser: Browser
  before(async () => {
    fetchChromium()
    for (const [program] of Object.values(cases)) fetchServer(program)
    folder = mkdtempSync(join(tmpdir(), 'twoway-machines-'))
    browser = await launchChromium()
  })
  after(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true })
  })

  async function enter(context: TestContext, url: string, name: string, locale: string): Promise<Page> {
    const browserContext = await browser.newContext({ locale })
    context.after(() => browserContext.close())
    const page = await browserContext.newPage()
    await page.goto(url)
    await page.fill('#name', name)
    await page.click('#entrance button')
    await page.waitForSelector('#machines:not([hidden])')
    await page.waitForSelector('#rooms button[aria-current]')
    return page
  }

  for (const [broker, [, locale]] of Object.entries(cases)) {
    it(`loses nothing on ${broker} while a node is killed, and then the broker (${locale})`, async (context) => {
      const port = await freePorts(3)
      const { chat, urls } = await start(context, ['--nodes', '2', '--broker', broker, '--port', String(port)])
      assert.deepEqual(
        urls,
        [0, 1].map((index) => `http://127.0.0.1:${port + index}/`),
      )
      const pages = await Promise.all(urls.map((url, index) => enter(context, url, ['Ann', 'Bob'][index]!, locale)))
      const [ann, bob] = pages as [Page, Page]
      const { machine, killNode, killBroker, here } = labels[locale]
      assert.deepEqual(
        await Promise.all(['#machine', '#kill-node', '#kill-broker'].map((selector) => ann.textContent(selector))),
        [machine, killNode, killBroker],
      )
      for (const page of pages) {
        await page.waitForFunction((start) => document.querySelector('#members')!.textContent!.startsWith(start), here)
      }
      await say(ann, 'before')
      await show(pages, ['before'])

      await ann.click('#kill-node')
      await ann.waitForSelector('#status:not([data-state="online"])')
      await say(bob, 'while the node is away')
      await ann.waitForSelector('#status[data-state="online"]')
      await show(pages, ['before', 'while the node is away'])

      await bob.click('#kill-broker')
      await waitFor(() => chat.stdout.includes('The broker ended (SIGKILL)'))
      await say(ann, 'while the broker is away')
      await show(pages, ['before', 'while the node is away', 'while the broker is away'])
      assert.match(chat.stdout, /The node 1 ended \(SIGKILL\), and is started again/)
    })
  }

  it('says what to install if the program of the broker is missing', () => {
    const { status, stderr } = spawnSync(process.execPath, [script, '--nodes', '2', '--broker', 'nats'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
      env: { PATH: folder, CHAT_SERVER_FOLDERS: folder },
    })
    assert.equal(status, 1)
    assert.match(stderr, /^The program nats-server is missing\. Install it.*\n {2}apt install nats-server/)
  })

  it('refuses nodes without a broker', () => {
    const { status, stderr } = spawnSync(process.execPath, [script, '--nodes', '2'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    })
    assert.equal(`${status} ${stderr}`, '1 --nodes needs --broker nats or --broker redis.\n')
  })
})

async function waitFor(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 20))
}
