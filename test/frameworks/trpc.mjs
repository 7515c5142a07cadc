import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { WebSocket } from 'twoway'
import { start } from './example.mjs'

const { url, child } = await start('trpc')

class WebSocketWithAgent extends WebSocket {
  constructor(address, protocols) {
    super(address, { protocols, headers: { 'User-Agent': 'a test' } })
  }
}

const opened = new EventEmitter()
const wsClient = createWSClient({ url, WebSocket: WebSocketWithAgent, onOpen: () => opened.emit('open') })
const client = createTRPCClient({ links: [wsLink({ client: wsClient })] })
assert.equal(await client.agent.query(), 'a test')
await assert.rejects(client.missing.query(), /on path "missing"/)

let reached
const three = new Promise((resolve) => {
  reached = resolve
})
const subscription = client.ticks.subscribe(undefined, { onData: (tick) => tick >= 3 && reached() })
await three

// tRPC's own wish that clients connect again.
const again = once(opened, 'open')
child.kill('SIGHUP')
await again
subscription.unsubscribe()
assert.equal(await client.agent.query(), 'a test')

// The pings of tRPC's clients are messages.
const socket = new WebSocket(url)
const answer = await new Promise((resolve) => {
  socket.onopen = () => socket.send('PING')
  socket.onmessage = ({ data }) => resolve(data)
})
assert.equal(answer, 'PONG')
process.exit()
