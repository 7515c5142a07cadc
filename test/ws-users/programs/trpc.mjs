import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import { WebSocket, WebSocketServer } from 'ws'
import { messagesOf, until } from './listen.mjs'

const t = initTRPC.context().create()
let running = 0
const router = t.router({
  agent: t.procedure.query(({ ctx }) => ctx.agent),
  fail: t.procedure.query(() => {
    throw new Error('failed')
  }),
  ticks: t.procedure.subscription(async function* ({ signal }) {
    running += 1
    try {
      for (let at = 0; !signal.aborted; at += 1) {
        yield at
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    } finally {
      running -= 1
    }
  }),
})

const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
await once(wss, 'listening')
const handler = applyWSSHandler({
  wss,
  router,
  createContext: ({ req }) => ({ agent: req.headers['user-agent'] }),
  keepAlive: { enabled: true, pingMs: 20, pongWaitMs: 5000 },
})
const url = `ws://127.0.0.1:${wss.address().port}`

class WebSocketWithAgent extends WebSocket {
  constructor(address, protocols) {
    super(address, protocols, { headers: { 'User-Agent': 'a test' } })
  }
}
let opens = 0
const onOpen = () => {
  opens += 1
}
const wsClient = createWSClient({ url, WebSocket: WebSocketWithAgent, onOpen })
const client = createTRPCClient({ links: [wsLink({ client: wsClient })] })
assert.equal(await client.agent.query(), 'a test')
await assert.rejects(client.fail.query(), /failed/)

let last = 0
const onData = (tick) => {
  last = tick
}
const subscription = client.ticks.subscribe(undefined, { onData })
await until(() => last >= 30, 'the tick')
assert.equal(running, 1)
subscription.unsubscribe()
await until(() => running === 0, 'the end of the subscription')

// The server asks its clients to connect again.
handler.broadcastReconnectNotification()
await until(() => opens === 2, 'the new connection')
assert.equal(await client.agent.query(), 'a test')

// A raw client: the Pings of tRPC are messages.
const raw = new WebSocket(url)
const next = messagesOf(raw)
await once(raw, 'open')
raw.send('PING')
assert.match(await next(), /^P[IO]NG$/)
await wsClient.close()
process.exit()
