import { once } from 'node:events'
import { createServer } from 'node:http'
import { setupWSConnection } from '@y/websocket-server/utils'
import { WebSocket, WebSocketServer } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { listen, until } from './listen.mjs'

const http = createServer()
const wss = new WebSocketServer({ noServer: true })
http.on('upgrade', (request, socket, head) => {
  wss.handleUpgrade(request, socket, head, (ws) => wss.emit('connection', ws, request))
})
wss.on('connection', setupWSConnection)
const url = `ws://${await listen(http)}`

function open() {
  const document = new Y.Doc()
  // Without a channel beside the connection, through which the documents would find each other.
  const provider = new WebsocketProvider(url, 'room', document, { WebSocketPolyfill: WebSocket, disableBc: true })
  return { document, provider, text: document.getText('text') }
}
const [ann, bob] = [open(), open()]
ann.text.insert(0, 'before the connection')
await Promise.all([ann, bob].map(({ provider }) => new Promise((resolve) => provider.once('sync', resolve))))
await until(() => bob.text.toString() === 'before the connection', 'the first text')
bob.text.insert(0, 'long '.repeat(50_000))
await until(() => ann.text.length === 250_021, 'the long text')

ann.provider.awareness.setLocalStateField('user', 'Ann')
await until(
  () => [...bob.provider.awareness.getStates().values()].some(({ user }) => user === 'Ann'),
  'the awareness of Ann',
)

// A connection that breaks: changes meanwhile come after it.
const closed = new Promise((resolve) => ann.provider.once('connection-close', resolve))
for (const client of wss.clients) client.terminate()
await closed
ann.text.insert(0, 'meanwhile ')
await until(() => bob.text.toString().startsWith('meanwhile '), 'the change')
for (const { provider } of [ann, bob]) provider.destroy()
await until(() => wss.clients.size === 0, 'the end of the connections')
http.close()
await once(http, 'close')
process.exit()
