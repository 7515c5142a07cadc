/**
 * A WebSocket as a route of Nitro: the file routes/chat.ts of an application with `features: { websocket: true }` in
 * nitro.config.ts.
 *
 * `npm install nitro h3 crossws twoway`, then `npx nitro dev` and connect to ws://127.0.0.1:3000/chat
 */
import { fromNodeUpgradeHandler } from 'crossws/adapters/node'
import { defineWebSocketHandler } from 'h3'
import { upgrader } from 'twoway/server'

const chat = upgrader<{ name: string }>({
  message: (socket, message) => chat.broadcast(`${socket.data.name}: ${message}`),
})

export default defineWebSocketHandler((event) =>
  fromNodeUpgradeHandler(async (request, socket, head) => {
    const name = event.url.searchParams.get('name') ?? 'somebody'
    await chat.accept(request, socket, head, { data: { name } })
  }),
)
