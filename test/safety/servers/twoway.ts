import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHub } from 'twoway/hub'
import { attach, type ServerHandlers, serve } from 'twoway/server'
import { authenticationMs, counts, identity, mode, sendMuch, serveCommands } from './commands.js'

const handlers: ServerHandlers<undefined> = {
  async upgrade() {
    if (mode === 'authenticate') await sleep(authenticationMs)
    return undefined
  },
  open(socket) {
    if (mode !== 'send') return
    sendMuch((message) => {
      const result = socket.send(message)
      return result === 'closed' ? 'closed' : result === 'dropped' ? 'refused' : 'taken'
    })
  },
  message(socket, message) {
    counts.messages += 1
    if (message === 'close') socket.close(1000)
    else socket.send(message)
  },
  close() {
    counts.told += 1
  },
}

/** Servers as in the README, with the port as the only option: standalone, or one or two beside an app. */
if (mode === 'two' || mode === 'app') {
  const http = createServer((_, response) => response.end('app'))
  for (const path of mode === 'two' ? ['/a', '/b'] : ['/']) attach(http, { ...handlers, path })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  serveCommands((http.address() as AddressInfo).port, async () => http.close())
} else if (mode === 'hub') {
  const hub = createHub({
    topics: { 'room.*': { publish: true, presence: true } },
    requests: { long: () => 'x'.repeat(1024), never: () => new Promise<never>(() => {}) },
  })
  for (let index = 0; index < 1000; index += 1) await hub.publish('room.full', 'x'.repeat(100))
  const server = await serve({ ...hub.handlers(handlers), port: 0 })
  serveCommands(server.port, () => server.close())
} else {
  const server = await serve({
    ...handlers,
    port: 0,
    ...(mode === 'compress' ? { perMessageDeflate: true } : {}),
    ...(mode === 'tls' ? { tls: identity } : {}),
  })
  serveCommands(server.port, () => server.close())
}
