import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { WebSocket } from 'twoway'
import { messagesOf, start } from './example.mjs'

mkdirSync('webpack-app/src', { recursive: true })
const source = (text) => writeFileSync('webpack-app/src/index.js', `document.title = '${text}'\nmodule.hot.accept()\n`)
source('first')
const { url, page } = await start('webpack-dev-server', 'webpack-app')

const echo = new WebSocket(url)
const toEcho = messagesOf(echo)
echo.onopen = () => echo.send('hi')
assert.equal(await toEcho(), 'hi')
assert.match(await (await fetch(`${page}/main.js`)).text(), /first/)

/** Reads what the dev server tells until a build is done, and resolves to the hash of the build. */
async function build(next) {
  let hash
  for (;;) {
    const { type, data } = JSON.parse(await next())
    if (type === 'hash') hash = data
    if (type === 'ok' && hash !== undefined) return hash
  }
}
const hot = new WebSocket(`${page.replace('http', 'ws')}/ws`, { origin: page })
const toHot = messagesOf(hot)
const before = await build(toHot)
// A change that comes too early may not be watched yet.
const again = setInterval(source, 500, 'second')
assert.notEqual(await build(toHot), before)
assert.match(await (await fetch(`${page}/main.js`)).text(), /second/)
clearInterval(again)

// The echo has not noticed.
echo.send('still here')
assert.equal(await toEcho(), 'still here')
process.exit()
