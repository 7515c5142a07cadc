import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import webpack from 'webpack'
import WebpackDevServer from 'webpack-dev-server'
import { WebSocket } from 'ws'
import { messagesOf } from './listen.mjs'

const context = resolve('webpack-app')
mkdirSync(context, { recursive: true })
const write = (text) => writeFileSync(`${context}/index.js`, `document.title = '${text}'\nmodule.hot.accept()\n`)
write('first')

const compiler = webpack({
  mode: 'development',
  context,
  entry: './index.js',
  infrastructureLogging: { level: 'none' },
})
const server = new WebpackDevServer({ host: '127.0.0.1', port: 0, hot: true, static: false }, compiler)
await server.start()
const address = `127.0.0.1:${server.server.address().port}`
assert.match(await (await fetch(`http://${address}/main.js`)).text(), /first/)

/** Reads what the server tells until a build is done, and resolves to the hash of the build. */
async function build(next) {
  let hash
  for (;;) {
    const { type, data } = JSON.parse(await next())
    if (type === 'hash') hash = data
    if (type === 'ok' && hash !== undefined) return hash
  }
}
const page = new WebSocket(`ws://${address}/ws`, { origin: `http://${address}` })
const next = messagesOf(page)
assert.deepEqual(JSON.parse(await next()), { type: 'hot' })
const before = await build(next)
// A change that comes too early may not be watched yet.
const again = setInterval(write, 500, 'second')
assert.notEqual(await build(next), before)
clearInterval(again)
assert.match(await (await fetch(`http://${address}/main.js`)).text(), /second/)

// A page of another host is refused.
const stranger = new WebSocket(`ws://${address}/ws`, { origin: 'http://other.example' })
const toStranger = messagesOf(stranger)
assert.deepEqual(JSON.parse(await toStranger()), { type: 'error', data: 'Invalid Host/Origin header' })
const closed = once(page, 'close')
await server.stop()
await closed
process.exit()
