import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { WebSocket } from '../../entries/client.js'
import { attach, type UpgraderOptions, upgrader } from '../../entries/server.js'

const headers = {
  'X-Forwarded-For': '198.51.100.1, 192.0.2.7',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'chat.example.com',
}

async function startApp(context: TestContext): Promise<HttpServer> {
  const app = createServer()
  app.listen(0, '127.0.0.1')
  await once(app, 'listening')
  context.after(() => {
    app.closeAllConnections()
    app.close()
  })
  return app
}

/** The requests that a path function, and `upgrade`, see of a client that sends the fields of a proxy. */
async function seen(
  context: TestContext,
  trustedProxies: 'loopback' | 0,
  start: (app: HttpServer, options: UpgraderOptions<undefined>) => void,
): Promise<readonly string[]> {
  const app = await startApp(context)
  const log: string[] = []
  const note = (request: { readonly url: string; readonly remoteAddress: string | undefined }): void => {
    log.push(`${request.remoteAddress} ${request.url.replace(/:\d+/, '')}`)
  }
  start(app, {
    trustedProxies,
    hosts: ['chat.example.com'],
    path(request) {
      note(request)
      return true
    },
    upgrade(request) {
      note(request)
      return undefined
    },
  })
  const { port } = app.address() as AddressInfo
  const client = new WebSocket(`ws://127.0.0.1:${port}/a`, { headers })
  context.after(() => client.close())
  await new Promise((resolve) => {
    client.onopen = resolve
    client.onerror = resolve
  })
  assert.equal(client.readyState, client.OPEN)
  return log
}

const servers: Readonly<Record<string, (app: HttpServer, options: UpgraderOptions<undefined>) => void>> = {
  attach: (app, options) => void attach(app, options),
  upgrader: (app, options) => void app.on('upgrade', upgrader(options).handleUpgrade),
}

for (const [name, start] of Object.entries(servers)) {
  describe(`trusted proxies in front of ${name}`, () => {
    it('decide the address and the URL, for a path function too', async (context) => {
      const expected = '192.0.2.7 wss://chat.example.com/a'
      assert.deepEqual(await seen(context, 'loopback', start), [expected, expected])
    })

    it('decide nothing if they are not trusted', async (context) => {
      const expected = '127.0.0.1 ws://127.0.0.1/a'
      assert.deepEqual(await seen(context, 0, start), [expected, expected])
    })
  })
}
