import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, afterEach, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { type EchoProcess, startEcho } from '../echo-process.js'
import { launchChromium } from './debian-chromium.js'
import { PlaygroundPage } from './playground-page.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const images = join(root, process.env.TWOWAY_IMAGES ?? '.scratch/images')
const phone: BrowserContextOptions = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true }

describe('the playground in Chromium', () => {
  let echo: EchoProcess
  let browser: Browser
  const opened: PlaygroundPage[] = []

  before(async () => {
    mkdirSync(images, { recursive: true })
    echo = await startEcho()
    browser = await launchChromium()
  })

  after(async () => {
    await browser?.close()
    await echo?.process.kill()
  })

  afterEach(async () => {
    for (const playground of opened.splice(0)) await playground.close()
  })

  async function open(options?: BrowserContextOptions): Promise<PlaygroundPage> {
    const playground = await PlaygroundPage.open(browser, echo.page, options)
    opened.push(playground)
    return playground
  }

  it('is connected as it opens, and shows both sides talk at one click', async () => {
    const playground = await open()
    await playground.page.click('#send')
    const [received] = await playground.rows('received')
    assert.deepEqual(
      (await playground.allRows()).map(({ kind }) => kind),
      ['open', 'sent', 'received'],
    )
    assert.deepEqual(received, { kind: 'received', what: 'Hello WebSockets!', size: 'Text17 B' })
  })

  it('needs no network: no request but its own, and a policy that allows none', async () => {
    const playground = await open()
    const policy = await playground.page.getAttribute('meta[http-equiv=Content-Security-Policy]', 'content')
    assert.match(policy!, /^default-src 'none'; script-src 'sha256-/)
    assert.doesNotMatch(policy!, /unsafe|https?:/)
    assert.deepEqual(playground.complaints, [])
  })

  it('names the four states with their numbers, and lights one', async () => {
    const { page } = await open()
    assert.deepEqual(await page.locator('.state').allTextContents(), ['0CONNECTING', '1OPEN', '2CLOSING', '3CLOSED'])
    assert.equal(await page.locator('.state[aria-current]').count(), 1)
    assert.equal(await page.locator('.connection [role=status]').textContent(), 'readyState is 1, OPEN.')
  })

  it('sends a file as a Blob and compares what comes back', async () => {
    const playground = await open()
    const { page } = playground
    await playground.tab(2)
    const bytes = Buffer.from(Uint8Array.from({ length: 70_000 }, (_, at) => (at * 7) & 0xff))
    await page.setInputFiles('#file', { name: 'picture.png', mimeType: 'image/png', buffer: bytes })
    await page.click('#send-file')
    await page.getByText('Came back the same, byte for byte: 70 kB.').waitFor()
    const [sent, received] = [await playground.rows('sent'), await playground.rows('received')]
    assert.deepEqual([sent[0]!.size, received[0]!.size], ['Blob70 kB', 'Blob70 kB'])
    assert.match(received[0]!.what, /^00 07 0e 15 /)
    await page.click('.row-received .row-summary')
    assert.match((await page.textContent('.payload-hex'))!, /^00000000 {2}00 07 0e 15/)
    await page.getByText('The first 1.02 kB of 70 kB.').waitFor()
  })

  for (const binaryType of ['arraybuffer', 'blob'] as const) {
    it(`sends a drawing as an ArrayBuffer that comes back pixel by pixel, binaryType ${binaryType}`, async () => {
      const playground = await open()
      const { page } = playground
      await page.check(`[value=${binaryType}]`)
      const type = binaryType === 'blob' ? 'Blob' : 'ArrayBuffer'
      assert.match((await page.textContent('#binary-type-is'))!, new RegExp(`^event.data is an? ${type}$`))
      await playground.tab(3)
      await page.click('#sample')
      await page.click('.swatch:nth-of-type(4)')
      const { x, y, width, height } = (await page.locator('#board').boundingBox())!
      await page.mouse.move(x + width * 0.2, y + height * 0.2)
      await page.mouse.down()
      await page.mouse.move(x + width * 0.8, y + height * 0.7, { steps: 6 })
      await page.mouse.up()
      await page.click('#send-drawing')
      await page.getByText('Came back the same, byte for byte: 512,000 bytes.').waitFor()
      const [drawn, returned] = [await playground.pixels('#drawing'), await playground.pixels('#returned')]
      assert.equal(Buffer.from(drawn, 'base64').length, 400 * 320 * 4)
      assert.ok(drawn === returned, 'the pixels differ')
      assert.ok(Buffer.from(drawn, 'base64').includes(Buffer.of(0xdc, 0x26, 0x26, 0xff)), 'the stroke is not there')
      const sizes = (await playground.allRows()).map(({ kind, size }) => [kind, size]).slice(1)
      assert.deepEqual(sizes, [
        ['sent', 'ArrayBuffer512 kB'],
        ['received', `${type}512 kB`],
      ])
      await page.click('#clear-drawing')
      assert.notEqual(await playground.pixels('#drawing'), returned)
    })
  }

  it('draws how bufferedAmount falls while 10 MB are sent, until it says that they are', async () => {
    const playground = await open()
    const { page } = playground
    // Slow enough that the buffers of the network cannot hide it.
    await playground.connect('?slow=4000000')
    await page.selectOption('#bulk-count', '160')
    await page.evaluate(() => {
      const pictures = new Set<string>()
      Object.assign(globalThis, { pictures })
      setInterval(() => {
        const canvas = document.querySelector<HTMLCanvasElement>('#buffered .chart canvas')
        if (canvas) pictures.add(canvas.toDataURL())
      }, 20)
    })
    await page.click('#send-bulk')
    await page.locator('.outcome-sent').waitFor()
    const seen = await page.evaluate(() => (globalThis as unknown as { pictures: Set<string> }).pictures.size)
    assert.ok(seen >= 3, `the graph had ${seen} states`)
    assert.match((await page.textContent('#buffered-outcome'))!, /^sent /)
    assert.match((await page.getAttribute('#buffered .chart', 'aria-label'))!, /^bufferedAmount over time. sent /)
    assert.equal((await playground.rows('sent', 160))[0]!.size, 'ArrayBuffer62.5 kB')
    await playground.connect('')
    await page.selectOption('#bulk-count', '10')
    await page.click('#send-bulk')
    await playground.rows('received', 10)
    await page.locator('.outcome-sent').waitFor()
  })

  it('measures round trips and draws them with p50 and p99', async () => {
    const playground = await open()
    const { page } = playground
    await page.click('#measure')
    const [note] = await playground.rows('note')
    assert.match(note!.what, /^100 round trips measured: p50 [\d.]+ m?s, p99 [\d.]+ m?s\.$/)
    assert.equal(await page.textContent('#round-trip-outcome'), '100 of 100')
    assert.match((await page.getAttribute('#round-trip .chart', 'aria-label'))!, /p50 [\d.]+ m?s, p99/)
    assert.equal((await playground.allRows()).filter(({ kind }) => kind === 'received').length, 0)
    await page.selectOption('#round-trip-count', '10000')
    await page.click('#measure')
    await page.getByRole('button', { name: 'Stop' }).click()
    await playground.rows('note', 2)
    await page.click('#measure')
    await page.getByRole('button', { name: 'Stop' }).waitFor()
    await page.click('#close')
    await page.getByText('The connection closed.').waitFor()
  })

  it('shows JSON indented, text and bytes, and copies them', async () => {
    const playground = await open()
    const { page } = playground
    await page.getByRole('button', { name: 'JSON' }).click()
    await page.click('#send')
    await playground.rows('received')
    await page.click('.row-received .row-summary')
    assert.match((await page.textContent('.payload-body'))!, /^\{\n {2}"type": "order",\n {2}"id": 1024,/)
    const views = page.locator('.payload .segments')
    await views.getByRole('radio', { name: 'Text' }).check()
    assert.match((await page.textContent('.payload-body'))!, /^\{"type":"order"/)
    await views.getByRole('radio', { name: 'Hex' }).check()
    assert.match((await page.textContent('.payload-body'))!, /^00000000 {2}7b 22 74 79 70 65 /)
    await page.click('.payload .copy')
    await page.locator('.payload .copy', { hasText: 'Copied' }).waitFor()
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^00000000 {2}7b 22/)
  })

  it('has examples of text, and shows more of a long one when asked', async () => {
    const playground = await open()
    const { page } = playground
    const examples = page.locator('.examples .chip')
    for (let index = 0; index < (await examples.count()); index++) {
      await examples.nth(index).click()
      await page.click('#send')
      const rows = await playground.rows('received', index + 1)
      assert.equal(rows[index]!.size, ['Text17 B', 'Text79 B', 'Text66 B', 'Text64 kB'][index])
    }
    await page.locator('.row-received .row-summary').last().click()
    const length = async () => (await page.textContent('.payload-body'))!.length
    const before = await length()
    await page.getByRole('button', { name: 'Show more' }).click()
    assert.ok((await length()) > before)
  })

  it('takes a file that is dropped', async () => {
    const playground = await open()
    const { page } = playground
    await playground.tab(2)
    const transfer = await page.evaluateHandle(() => {
      const data = new DataTransfer()
      data.items.add(new File(['dropped'], 'note.txt', { type: 'text/plain' }))
      return data
    })
    for (const type of ['dragover', 'drop']) await page.dispatchEvent('.drop-zone', type, { dataTransfer: transfer })
    await page.getByText('note.txt').waitFor()
    await page.click('#send-file')
    await page.getByText('Came back the same, byte for byte: 7 B.').waitFor()
    assert.match((await page.textContent('#snippet'))!, /openAsBlob\('note\.txt'\)/)
  })

  it('gives up connecting at a click', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const playground = await open()
    const { page } = playground
    await page.fill('#url', `ws://127.0.0.1:${(silent.address() as AddressInfo).port}/`)
    await page.click('#connect')
    await playground.state('CONNECTING')
    await page.getByRole('button', { name: 'Cancel' }).click()
    await playground.state('CLOSED')
    await playground.row('lost', '1006')
    silent.close()
  })

  it('gives the code of what was just done', async () => {
    const playground = await open()
    const { page } = playground
    const code = () => page.textContent('#snippet')
    assert.match((await code())!, /new WebSocket\('ws:\/\/127.0.0.1:\d+\/'\)\n/)
    await page.fill('#message', "it's me")
    await page.press('#message', 'Enter')
    assert.match((await code())!, /socket\.send\('it\\'s me'\)/)
    await page.click('.code .copy')
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await code())
    await page.fill('#close-code', '3001')
    await page.fill('#close-reason', 'enough')
    await page.click('#close')
    assert.match((await code())!, /socket\.close\(3001, 'enough'\)/)
    const [row] = await playground.rows('close')
    assert.equal(row!.what, '3001a code of a library or frameworkenough')
    assert.equal(row!.size, 'wasClean true')
    await playground.state('CLOSED')
  })

  it('says at the field what the constructor or close refuses', async () => {
    const playground = await open()
    const { page } = playground
    await page.fill('#close-code', '1001')
    await page.click('#close')
    await page.getByText('A page may close with 1000').waitFor()
    await page.fill('#protocols', 'a b')
    await page.click('#connect')
    await page.getByText('A subprotocol is a word').waitFor()
    assert.equal(await page.getAttribute('#protocols', 'aria-invalid'), 'true')
    await page.fill('#protocols', 'chat, chat')
    await page.click('#connect')
    await page.getByText('A subprotocol is a word').waitFor()
    await page.fill('#protocols', 'chat, json')
    for (const url of ['ws://127.0.0.1:1#x', 'nonsense#', 'ftp://127.0.0.1/', 'ws://']) {
      await page.fill('#url', url)
      await page.click('#connect')
      await page.getByText('This is not a WebSocket URL').waitFor()
      assert.equal(await page.getAttribute('#url', 'aria-invalid'), 'true')
    }
    await playground.connect('')
    assert.match((await page.textContent('.facts'))!, /protocolchat/)
  })

  it('says what a refused connection may mean', async () => {
    const { port, close } = await unusedPort()
    close()
    const playground = await open()
    await playground.page.fill('#url', `ws://127.0.0.1:${port}/`)
    await playground.page.click('#connect')
    const [error] = await playground.rows('error')
    assert.equal(error!.what, 'The connection could not be opened. The browser does not say why.')
    const [lost] = await playground.rows('lost')
    assert.deepEqual([lost!.what, lost!.size], ['1006closed without a closing handshake', 'wasClean false'])
    await playground.page.click('.row-error .row-summary')
    await playground.page.getByText('no server listens at this address').waitFor()
  })

  it('keeps a long session within bounds, and says so', async () => {
    const playground = await open()
    const { page } = playground
    await playground.connect('?rate=2000&size=100')
    await page.locator('#timeline-removed').waitFor()
    assert.equal(await page.locator('.row').count(), 500)
    assert.match(
      (await page.textContent('#timeline-removed'))!,
      /^[\d,]+ earlier events were removed: the list keeps the latest 500\.$/,
    )
    await page.click('#close')
    await page.$eval('.timeline-list', (list) => {
      list.scrollTop = 0
    })
    await page.click('.to-end')
    await page.locator('.row-close').waitFor()
    await page.getByRole('radio', { name: 'Messages' }).check()
    await page.getByRole('radio', { name: 'Events' }).check()
    await page.waitForFunction(() => document.querySelectorAll('.row').length < 5)
    await page.getByRole('radio', { name: 'All' }).check()
    await page.click('#clear-timeline')
    await page.getByText('Nothing has happened yet').waitFor()
  })

  describe('the settings of the echo', () => {
    /** The effect of each setting in a page, with the others off. */
    const effects: Readonly<Record<string, (playground: PlaygroundPage) => Promise<void>>> = {
      delay: (playground) => echoed(playground),
      jitter: (playground) => echoed(playground),
      slow: (playground) => echoed(playground),
      ping: (playground) => echoed(playground),
      fragment: (playground) => echoed(playground),
      deflate: async (playground) => {
        await playground.page.locator('.facts', { hasText: 'permessage-deflate' }).waitFor()
        await echoed(playground)
      },
      drop: async (playground) => {
        // The button's own value drops half of the messages at random, so the test sets another.
        await playground.connect('?drop=1')
        await send(playground)
        await playground.rows('sent')
        await playground.connect('')
        await echoed(playground)
        assert.equal((await playground.rows('received')).length, 1)
      },
      close: async (playground) => {
        await playground.row('close', '1012the service restarts: come back after a while')
      },
      abort: async (playground) => {
        const [row] = await playground.rows('lost')
        assert.match(row!.what, /^1006/)
      },
      after: async (playground) => {
        for (const count of [1, 2, 3]) {
          await send(playground)
          await playground.rows('sent', count)
        }
        await playground.row('close', '1012')
        assert.equal((await playground.rows('received')).length, 3)
      },
      reason: (playground) => playground.row('close', 'restarting'),
      status: async (playground) => {
        await playground.rows('error')
        assert.match((await playground.rows('lost'))[0]!.what, /^1006/)
      },
      subprotocol: async ({ page }) => {
        await page.locator('.facts', { hasText: 'protocolchat' }).waitFor()
      },
      mirror: async (playground) => assert.match((await playground.rows('received'))[0]!.what, /"(url|method|target)"/),
      size: async (playground) => assert.equal((await playground.rows('received'))[0]!.size, 'Text1 kB'),
      rate: async (playground) => assert.equal((await playground.rows('received', 2))[0]!.size, 'Text16 B'),
    }

    /** Sends on the connection that has just been asked for: until the page is drawn again, its button is still the earlier one's. */
    async function send(playground: PlaygroundPage): Promise<void> {
      await playground.rows('open')
      await playground.page.click('#send')
    }

    async function echoed(playground: PlaygroundPage): Promise<void> {
      await send(playground)
      assert.equal((await playground.rows('received')).at(-1)!.what, 'Hello WebSockets!')
    }

    it('have a button each, and take effect at the next connection', async () => {
      const playground = await open()
      const { page } = playground
      const names = await page.locator('.setting-switch').allTextContents()
      assert.deepEqual([...names].sort(), Object.keys(effects).sort())
      for (const name of names) {
        await playground.clear()
        await page.click(`#setting-${name}`)
        assert.match(await page.inputValue('#url'), new RegExp(`[?&]${name}(=|&|$)`))
        await page.click('#apply-settings')
        await effects[name]!(playground)
        await playground.connect('')
      }
    })

    it('are those that the service has', async () => {
      const { page } = await open()
      const names = await page.locator('.setting-switch').allTextContents()
      const answer = await refusalOf(`${echo.page}?no-such-setting`)
      const known = [...answer.matchAll(/^ {2}([a-z]+)(?==| |$)/gm)].map(([, name]) => name!)
      assert.deepEqual([...names].sort(), [...new Set(known)].sort(), 'see packages/playground/src/echo-settings.ts')
    })

    it('are read from the URL, and their values written there', async () => {
      const { page } = await open()
      await page.fill('#url', 'ws://127.0.0.1:9/?delay=5&x=1')
      assert.equal(await page.getAttribute('#setting-delay', 'aria-pressed'), 'true')
      await page.getByLabel('Value of delay').fill('70')
      assert.equal(await page.inputValue('#url'), 'ws://127.0.0.1:9/?delay=70&x=1')
      await page.click('#plain-echo')
      assert.equal(await page.inputValue('#url'), 'ws://127.0.0.1:9/?x=1')
    })
  })

  it('is used by the keyboard alone, and shows where the focus is', async () => {
    const playground = await open()
    const { page } = playground
    const { keyboard } = page
    /** Presses Tab until an element has the focus, and checks that each stop shows the focus. */
    const tabTo = async (selector: string): Promise<void> => {
      for (let count = 0; count < 90; count++) {
        await keyboard.press('Tab')
        const [isThere, isVisible, html] = await page.evaluate((wanted) => {
          const element = document.activeElement!
          const shown = [element, element.nextElementSibling, element.closest('.paper, .drop-zone')]
          const isOutlined = shown.some((one) => one && getComputedStyle(one).outlineStyle !== 'none')
          return [element.matches(wanted), isOutlined || element === document.body, element.outerHTML.slice(0, 90)]
        }, selector)
        assert.ok(isVisible, `the focus does not show on ${html}`)
        if (isThere) return
      }
      assert.fail(`${selector} can't be reached`)
    }
    await tabTo('.skip')
    await keyboard.press('Enter')
    assert.equal(await page.evaluate(() => document.activeElement!.id), 'timeline')
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await page.reload()
    await playground.state('OPEN')
    await tabTo('#url')
    await keyboard.press('Enter')
    await tabTo('[value=blob], [value=arraybuffer]')
    await keyboard.press('ArrowRight')
    assert.match((await page.textContent('#binary-type-is'))!, /ArrayBuffer/)
    await tabTo('[role=tab]')
    await keyboard.press('End')
    await tabTo('#board')
    await keyboard.press('Space')
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp']) await keyboard.press(key)
    await keyboard.press('Space')
    await playground.state('OPEN')
    await tabTo('#send-drawing')
    await keyboard.press('Enter')
    await page.getByText('Came back the same, byte for byte: 512,000 bytes.').waitFor()
    assert.ok(Buffer.from(await playground.pixels('#returned'), 'base64').includes(Buffer.of(0x4f, 0x46, 0xe5, 0xff)))
    await playground.rows('received')
    await tabTo('.row-summary')
    await keyboard.press('Home')
    await keyboard.press('End')
    await keyboard.press('ArrowUp')
    await keyboard.press('Enter')
    assert.match((await page.textContent('.row-details'))!, /sent as an ArrayBuffer/)
    await tabTo('#setting-delay')
    await keyboard.press('Space')
    assert.match(await page.inputValue('#url'), /delay=500/)
    await tabTo('#send-bulk')
    await keyboard.press('Enter')
    await page.locator('.outcome-sent').waitFor()
    await tabTo('.code .copy')
    await keyboard.press('Enter')
    await page.locator('.code .copy', { hasText: 'Copied' }).waitFor()
  })

  it('fits a phone of 360 pixels, each control wide enough for a finger', async () => {
    const playground = await open({ ...phone, locale: 'zh-CN' })
    const { page } = playground
    await page.tap('#send')
    await playground.rows('received')
    await page.tap('.row-received .row-summary')
    for (const number of [2, 3] as const) {
      await playground.tab(number)
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360)
    }
    for (const name of ['delay', 'close', 'after', 'subprotocol']) await page.tap(`#setting-${name}`)
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360)
    const small = await page.$$eval('button, input, select, textarea, .segment', (controls) =>
      controls
        .map((control) => ({ html: control.outerHTML.slice(0, 80), box: control.getBoundingClientRect(), control }))
        .filter(
          ({ control, box }) =>
            !control.closest('.segment input, .hidden') && !control.matches('.hidden') && box.width > 0,
        )
        .filter(({ box }) => box.width < 24 || box.height < 24 || box.left < 0 || box.right > 360)
        .map(({ html }) => html),
    )
    assert.deepEqual(small, [])
  })

  it('speaks the language of the browser, and the other one at a click, and remembers it', async () => {
    const playground = await open({ locale: 'zh-CN' })
    const { page } = playground
    assert.equal(await page.textContent('#connect'), '重新连接')
    assert.equal(await page.getAttribute('html', 'lang'), 'zh-Hans')
    await page.click('#close')
    assert.equal((await playground.rows('close'))[0]!.what, '1000正常关闭')
    await page.getByRole('radio', { name: 'English' }).check()
    assert.equal(await page.textContent('#connect'), 'Connect')
    assert.equal((await playground.rows('close'))[0]!.what, '1000normal closure')
    await page.reload()
    assert.equal(await page.getAttribute('html', 'lang'), 'en')
  })

  it('is light or dark by the system, and by choice', async () => {
    const { page } = await open({ colorScheme: 'dark' })
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const dark = await ground()
    await page.getByRole('radio', { name: 'Light' }).check()
    const light = await ground()
    assert.notEqual(light, dark)
    await page.getByRole('radio', { name: 'Dark' }).check()
    assert.equal(await ground(), dark)
    await page.getByRole('radio', { name: 'Like the system' }).check()
    assert.equal(await ground(), dark)
    await page.emulateMedia({ colorScheme: 'light' })
    assert.equal(await ground(), light)
  })

  it('stands still for who wants no motion', async () => {
    const playground = await open({ reducedMotion: 'reduce' })
    await playground.page.click('#send')
    await playground.rows('received')
    assert.equal(await playground.page.evaluate(() => document.getAnimations().length), 0)
  })

  it('has nothing for axe-core to complain of in either language and theme: at first, in use, and where it complains', async () => {
    const playground = await open()
    const { page } = playground
    const inEach = async (look: (name: string) => Promise<void>): Promise<void> => {
      for (const [language, name] of [
        ['English', 'playground'],
        ['中文', 'playground-chinese'],
      ] as const) {
        await page.getByRole('radio', { name: language }).check()
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
          await look(`${name}-${colorScheme}`)
        }
      }
      await page.getByRole('radio', { name: 'English' }).check()
    }
    await playground.clear()
    await inEach(async (name) => assert.deepEqual(await playground.violations(), [], name))
    await fill(playground)
    await inEach(async (name) => {
      assert.deepEqual(await playground.violations(), [], name)
      await page.screenshot({ path: join(images, `${name}.png`), fullPage: true })
    })
    await page.fill('#url', '#')
    await page.click('#connect')
    await page.fill('#close-code', '1')
    await page.click('#close')
    await playground.tab(2)
    await page.click('.row-summary >> nth=0')
    await inEach(async (name) => assert.deepEqual(await playground.violations(), [], name))
  })

  it('shows topics: subscribe, publish, presence, and the resume after the line was cut, in words', async () => {
    const [ann, bob] = [await open(), await open()]
    for (const [{ page }, name] of [
      [ann, 'Ann'],
      [bob, 'Bob'],
    ] as const) {
      await page.getByRole('radio', { name: 'Topics' }).check()
      await page.fill('#link-name', name)
      await page.click('#link-connect')
      await page.locator('#link-state', { hasText: 'online' }).waitFor()
      await page.click('#topic-subscribe')
      await page.locator('.frame', { hasText: 'Answer 1: subscribed at position' }).waitFor()
    }
    await ann.page.locator('.frame', { hasText: 'room.1: Bob joins.' }).waitFor()
    await ann.page.click('#topic-publish')
    await bob.page.locator('.frame', { hasText: 'room.1, position 1' }).waitFor()
    await bob.page.click('#link-cut')
    await ann.page.click('#topic-publish')
    await bob.page.locator('.frame', { hasText: /nothing is missing; 1 missed messages follow/ }).waitFor()
    await bob.page.locator('.topic-list', { hasText: 'position 2' }).waitFor()
    await bob.page.fill('#topic', '$own')
    await bob.page.click('#topic-subscribe')
    await bob.page.locator('#topic-problem', { hasText: 'belong to the hub' }).waitFor()
    for (const colorScheme of ['light', 'dark'] as const) {
      await bob.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      assert.deepEqual(await bob.violations(), [])
    }
    await bob.page.setViewportSize({ width: 360, height: 740 })
    assert.ok(await bob.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
    for (const { page } of [ann, bob]) await page.getByRole('radio', { name: 'Echo' }).check()
  })

  it('has nothing for axe-core to complain of on a phone', async () => {
    const playground = await open(phone)
    await fill(playground)
    assert.deepEqual(await playground.violations(), [])
    await playground.page.screenshot({
      path: join(images, 'playground-phone.png'),
      clip: { x: 0, y: 0, width: 360, height: 1420 },
      fullPage: true,
    })
  })
})

/** Shows events of all kinds, for pictures and for axe-core. */
async function fill(playground: PlaygroundPage): Promise<void> {
  const { page } = playground
  await playground.connect('?status=429', 'CLOSED')
  await playground.rows('error')
  await page.fill('#protocols', 'chat')
  await page.fill('#url', page.url().replace('http', 'ws'))
  await page.click('#connect')
  await playground.state('OPEN')
  await page.click('#send')
  await playground.rows('received')
  await playground.tab(3)
  await page.click('#sample')
  await page.click('#send-drawing')
  await playground.rows('received', 2)
  await page.selectOption('#bulk-count', '10')
  await page.click('#send-bulk')
  await page.locator('.outcome-sent').waitFor()
  await playground.rows('received', 12)
  await page.click('#measure')
  await playground.rows('note')
  await page.click('#close')
  await playground.state('CLOSED')
  await playground.clear()
  await page.click('#connect')
  await playground.state('OPEN')
  await playground.tab(1)
  await page.locator('.examples .chip').nth(1).click()
  await page.click('#send')
  await playground.rows('received')
  await playground.tab(3)
  await page.click('#send-drawing')
  await playground.rows('received', 2)
  await page.click('.row-received .row-summary')
  for (const name of ['delay', 'after', 'reason']) await page.click(`#setting-${name}`)
  await page.evaluate(() => scrollTo(0, 0))
  await page.mouse.move(0, 0)
}

async function unusedPort(): Promise<{ readonly port: number; close(): void }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, close: () => server.close() }
}

/** The body of the response to a refused handshake. */
function refusalOf(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    }
    request(url, { headers }, (response) => text(response).then(resolve, reject))
      .on('error', reject)
      .end()
  })
}
