import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type ServeOptions, serve } from 'twoway/server'
import { combinations } from '../compression/combinations.js'
import { echoCount, echoMessages, type PageEcho } from '../compression/page-echo.js'
import { launchChromium } from './debian-chromium.js'

describe('permessage-deflate with Chromium', () => {
  let browser: Browser
  let page: Page

  before(async () => {
    browser = await launchChromium()
    page = await browser.newPage()
  })

  after(() => browser.close())

  async function echoOver(options: ServeOptions<undefined>): Promise<PageEcho & { readonly receivedBytes: number }> {
    const server = await serve({ port: 0, origin: 'any', ...options })
    try {
      const told: PageEcho = await page.evaluate(`(${echoMessages})(WebSocket, ${JSON.stringify(server.url)})`)
      return { ...told, receivedBytes: server.metrics().receivedBytes }
    } finally {
      await server.close()
    }
  }

  it('works with our server at every window size, both ways', async () => {
    for (const perMessageDeflate of combinations) {
      const told = await echoOver({ perMessageDeflate, message: (socket, message) => socket.send(message) })
      const options = JSON.stringify(perMessageDeflate)
      assert.match(told.extensions, /^permessage-deflate/, options)
      assert.deepEqual([told.received, told.wrong], [echoCount, undefined], options)
      // The page sends more than two million bytes before compression.
      assert.ok(told.receivedBytes < 1_500_000, `${options}: ${told.receivedBytes}`)
    }
  })

  it('works with streamed messages, compressed both ways', async () => {
    for (const isKept of [false, true]) {
      const perMessageDeflate = {
        serverNoContextTakeover: !isKept,
        clientNoContextTakeover: !isKept,
        thresholdBytes: 0,
      }
      const told = await echoOver({
        perMessageDeflate,
        messageStream: (socket, stream) => socket.sendStream(stream, stream),
      })
      assert.deepEqual([told.received, told.wrong], [echoCount, undefined])
    }
  })
})
