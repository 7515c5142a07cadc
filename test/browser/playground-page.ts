import assert from 'node:assert/strict'
import axe from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

/** An event as the timeline shows it. */
export interface ShownRow {
  readonly kind: string
  readonly what: string
  readonly size: string
}

/** The playground in a new browser context, and the complaints about it. */
export class PlaygroundPage {
  readonly page: Page
  /** Requests other than for the page, errors of scripts, and complaints of the console or of the page's policy. */
  readonly complaints: string[] = []

  private constructor(page: Page) {
    this.page = page
  }

  /** Opens the page and waits for its connection. */
  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<PlaygroundPage> {
    const context = await browser.newContext({
      viewport: { width: 1360, height: 900 },
      locale: 'en-US',
      reducedMotion: 'reduce',
      permissions: ['clipboard-read', 'clipboard-write'],
      ...options,
    })
    const page = await context.newPage()
    page.setDefaultTimeout(15_000)
    const playground = new PlaygroundPage(page)
    const { complaints } = playground
    page.on('pageerror', (error) => complaints.push(String(error.stack)))
    page.on('console', (message) => {
      // The console reports a refused handshake, which some tests cause.
      if (!/^WebSocket connection to/.test(message.text())) complaints.push(message.text())
    })
    page.on('request', (request) => {
      if (request.url() !== url && !request.url().startsWith('data:')) complaints.push(request.url())
    })
    await page.goto(url)
    await playground.state('OPEN')
    return playground
  }

  /** Closes the page, and fails if there were complaints. */
  async close(): Promise<void> {
    await this.page.context().close()
    assert.deepEqual(this.complaints, [])
  }

  /** Waits until the lamp of this state is lit. */
  async state(name: string): Promise<void> {
    await this.page.locator(`.state[aria-current=step] .state-name`, { hasText: new RegExp(`^${name}$`) }).waitFor()
  }

  /** Connects to the page's own service with this query, and waits for the result. */
  async connect(query: string, state = 'OPEN'): Promise<void> {
    const { host } = new URL(this.page.url())
    await this.page.fill('#url', `ws://${host}/${query}`)
    await this.clear()
    await this.page.click('#connect')
    await this.state(state)
  }

  async clear(): Promise<void> {
    await this.page.click('#clear-timeline')
  }

  /** Waits for this number of rows of a kind, and returns them. */
  async rows(kind: string, count = 1): Promise<ShownRow[]> {
    await this.page.waitForFunction(([selector, least]) => document.querySelectorAll(selector).length >= least, [
      `.row-${kind}`,
      count,
    ] as const)
    return (await this.allRows()).filter((row) => row.kind === kind)
  }

  /** Waits until a row of this kind has this text. */
  async row(kind: string, text: string): Promise<void> {
    await this.page.locator(`.row-${kind} .row-what`, { hasText: text }).first().waitFor()
  }

  allRows(): Promise<ShownRow[]> {
    return this.page.$$eval('.row', (rows) =>
      rows.map((row) => ({
        kind: row.className.replace(/^row row-/, ''),
        what: row.querySelector('.row-what')!.textContent!,
        size: row.querySelector('.row-size')!.textContent!,
      })),
    )
  }

  async tab(number: 1 | 2 | 3): Promise<void> {
    await this.page.click(`[role=tab]:nth-of-type(${number})`)
  }

  /** The pixels of a canvas as text, for comparison. */
  pixels(selector: string): Promise<string> {
    return this.page.$eval(selector, async (canvas) => {
      const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, 400, 320)
      let text = ''
      for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192))
      return btoa(text)
    })
  }

  /** The findings of axe-core, one line each. */
  async violations(): Promise<string[]> {
    await this.page.evaluate(axe.source)
    return this.page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }
      interface Violation {
        readonly id: string
        readonly help: string
        readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
      }
      const { violations } = await axe.run()
      return violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 160)} ${failureSummary}`),
      )
    })
  }
}
