import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import webdriver from 'selenium-webdriver'
import getBrowsingContext from 'selenium-webdriver/bidi/browsingContext.js'
import getLogInspector from 'selenium-webdriver/bidi/logInspector.js'
import chrome from 'selenium-webdriver/chrome.js'
import { args, executablePath } from './chromium.mjs'
import { listen, until } from './listen.mjs'

const http = createServer((_request, response) => {
  response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>A page</title>')
})
const url = `http://${await listen(http)}/`
const options = new chrome.Options().addArguments('--headless', ...args).enableBidi()
options.setChromeBinaryPath(executablePath)
const driver = await new webdriver.Builder()
  .forBrowser('chrome')
  .setChromeOptions(options)
  .setChromeService(new chrome.ServiceBuilder('/usr/bin/chromedriver'))
  .build()

const entries = []
const inspector = await getLogInspector(driver)
await inspector.onConsoleEntry((entry) => entries.push(entry.text))
const context = await getBrowsingContext(driver, { browsingContextId: await driver.getWindowHandle() })
const { url: reached } = await context.navigate(url, 'complete')
assert.equal(reached, url)
assert.equal(await driver.getTitle(), 'A page')
await driver.executeScript("console.log('hi')")
await until(() => entries.includes('hi'), 'the entry of the log')
const image = await context.captureScreenshot()
assert.ok(Buffer.from(image, 'base64').toString('latin1').startsWith('\x89PNG'))
await inspector.close()
await driver.quit()
process.exit()
