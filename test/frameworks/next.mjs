import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { WebSocket } from 'twoway'
import { messagesOf, start } from './example.mjs'

rmSync('next-app', { recursive: true, force: true })
mkdirSync('next-app/app', { recursive: true })
const page = (text) => writeFileSync('next-app/app/page.js', `export default () => <p>${text}</p>\n`)
page('first')
writeFileSync('next-app/app/layout.js', 'export default ({ children }) => <html><body>{children}</body></html>\n')
// A page with the path of the WebSocket: Next would end its upgrades.
mkdirSync('next-app/app/chat/[room]', { recursive: true })
writeFileSync('next-app/app/chat/[room]/page.js', 'export default () => <p>the page of a room</p>\n')
writeFileSync('next-app/package.json', '{ "private": true }')
writeFileSync(
  'next-app/next.config.mjs',
  `export default { allowedDevOrigins: ['127.0.0.1'], turbopack: { root: ${JSON.stringify(process.cwd())} } }\n`,
)
const { url, page: origin } = await start('next', 'next-app')

assert.match(await (await fetch(origin)).text(), /first/)
assert.match(await (await fetch(url.replace('ws', 'http'))).text(), /the page of a room/)
const [ann, bob] = [new WebSocket(url), new WebSocket(url)]
const [toAnn, toBob] = [ann, bob].map(messagesOf)
await Promise.all([ann, bob].map((socket) => new Promise((resolve) => socket.addEventListener('open', resolve))))
ann.send('hi')
assert.deepEqual([await toAnn(), await toBob()], ['hi', 'hi'])

// Next's own socket tells that a page has changed.
const hot = new WebSocket(`${origin.replace('http', 'ws')}/_next/hmr`, { origin })
const toHot = messagesOf(hot)
// A change that comes too early may not be watched yet.
const again = setInterval(page, 500, 'second')
for (let type; type !== 'serverComponentChanges'; { type } = JSON.parse(await toHot()));
assert.match(await (await fetch(origin)).text(), /second/)
clearInterval(again)

bob.send('still here')
assert.deepEqual([await toAnn(), await toBob()], ['still here', 'still here'])
process.exit()
