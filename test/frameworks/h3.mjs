import assert from 'node:assert/strict'
import { WebSocket } from 'twoway'
import { messagesOf, start } from './example.mjs'

const { url, page } = await start('h3')
assert.equal(await (await fetch(page)).text(), 'Hello from h3')

const ann = new WebSocket(`${url}?name=Ann`)
const toAnn = messagesOf(ann)
await new Promise((resolve) => ann.addEventListener('open', resolve))
const bob = new WebSocket(`${url}?name=Bob`)
const toBob = messagesOf(bob)
bob.addEventListener('open', () => bob.send('hi'))
assert.deepEqual([await toAnn(), await toBob()], ['Bob: hi', 'Bob: hi'])
process.exit()
