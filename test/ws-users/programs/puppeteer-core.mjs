import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import puppeteer from 'puppeteer-core'
import { args, executablePath } from './chromium.mjs'
import { listen } from './listen.mjs'

const http = createServer((_request, response) => {
  response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>A page</title><button>Go</button>')
})
const url = `http://${await listen(http)}/`
const browser = await puppeteer.launch({ executablePath, args, headless: true })
const page = await browser.newPage()
await page.exposeFunction('add', (one, other) => one + other)
const requested = once(page, 'request')
await page.goto(url)
assert.equal((await requested)[0].url(), url)
assert.equal(await page.title(), 'A page')
assert.equal(await page.evaluate(() => window.add(1, 2)), 3)
const printed = once(page, 'console')
await page.evaluate(() => document.querySelector('button').addEventListener('click', () => console.log('clicked')))
await page.click('button')
assert.equal((await printed)[0].text(), 'clicked')

// Results of several MB, in both directions.
const long = 'ä'.repeat(3_000_000)
assert.equal(await page.evaluate((text) => text.length, long), long.length)
assert.equal(await page.evaluate(() => 'ä'.repeat(3_000_000)), long)
const image = await page.screenshot()
assert.deepEqual([...image.subarray(1, 4)], [...Buffer.from('PNG')])

// A second client of the same browser.
const other = await puppeteer.connect({ browserWSEndpoint: browser.wsEndpoint() })
assert.equal((await other.pages()).length, (await browser.pages()).length)
await other.disconnect()
const ended = once(browser, 'disconnected')
await browser.close()
await ended
process.exit()
