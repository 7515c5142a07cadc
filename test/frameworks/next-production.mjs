import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { WebSocket } from 'twoway'
import { messagesOf, start } from './example.mjs'

const folder = 'next-production-app'
rmSync(folder, { recursive: true, force: true })
// A page with the path of the WebSocket.
mkdirSync(`${folder}/app/chat/[room]`, { recursive: true })
writeFileSync(`${folder}/app/page.js`, 'export default () => <p>the first page</p>\n')
writeFileSync(`${folder}/app/layout.js`, 'export default ({ children }) => <html><body>{children}</body></html>\n')
writeFileSync(`${folder}/app/chat/[room]/page.js`, 'export default () => <p>the page of a room</p>\n')
writeFileSync(`${folder}/package.json`, '{ "private": true }')
writeFileSync(`${folder}/next.config.mjs`, `export default { turbopack: { root: ${JSON.stringify(process.cwd())} } }\n`)
process.env.NODE_ENV = 'production'
process.env.NEXT_TELEMETRY_DISABLED = '1'
execFileSync(process.execPath, ['../node_modules/next/dist/bin/next', 'build'], { cwd: folder, stdio: 'pipe' })
const { url, page } = await start('next', folder)

assert.match(await (await fetch(page)).text(), /the first page/)
assert.match(await (await fetch(url.replace('ws', 'http'))).text(), /the page of a room/)
const clients = [new WebSocket(url), new WebSocket(url, { origin: page })]
const [toAnn, toBob] = clients.map(messagesOf)
await Promise.all(clients.map((socket) => new Promise((resolve) => socket.addEventListener('open', resolve))))
clients[0].send('hi')
assert.deepEqual([await toAnn(), await toBob()], ['hi', 'hi'])
// Requests of pages beside open WebSockets.
assert.match(await (await fetch(page)).text(), /the first page/)
clients[1].send('still here')
assert.deepEqual([await toAnn(), await toBob()], ['still here', 'still here'])
process.exit()
