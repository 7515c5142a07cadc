import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import { UsageError } from '../core/errors.js'
import { MemoryNetwork } from '../entries/memory.js'
import { type AttachOptions, attach, serve } from '../entries/server.js'
import { nodeConnector } from '../runtimes/node/connect/connector.js'

/** The field X-By of a 101, or the status of a refusal. */
async function whoTakes(context: TestContext, port: number, target: string, ...lines: string[]): Promise<string> {
  const peer = new RawPeer(nodeConnector, { host: '127.0.0.1', port, tls: undefined })
  context.after(() => peer.destroy())
  peer.send(handshakeRequest(target, ...lines))
  const head = await peer.head()
  // The peer answers no Close, for which the server would wait.
  peer.destroy()
  return /^X-By: (.*)\r$/m.exec(head)?.[1] ?? head.slice(9, 12)
}

const by = (name: string): AttachOptions<undefined> => ({
  upgrade: ({ params }) => ({ headers: { 'X-By': `${name} ${JSON.stringify(params)}` } }),
})

describe('serve: path', () => {
  it('takes handshakes of a pattern with their parameters, answers others 404, and leaves plain requests to request', async (context) => {
    const server = await serve({
      port: 0,
      path: '/rooms/:id',
      ...by('room'),
      request: ({ params }) => ({ status: 200, body: `plain ${Object.keys(params).length}` }),
    })
    context.after(() => server.close())
    assert.equal(await whoTakes(context, server.port, '/rooms/a%2Fb?x=1'), 'room {"id":"a/b"}')
    assert.equal(await whoTakes(context, server.port, '/rooms/7/'), '404')
    assert.equal(await whoTakes(context, server.port, '/else'), '404')
    assert.equal(server.metrics().handshakes['404'], 2)
    assert.equal(await (await fetch(`http://127.0.0.1:${server.port}/else`)).text(), 'plain 0')
  })

  it('takes the handshakes for which a function answers true', async (context) => {
    const server = await serve({ port: 0, path: ({ headers }) => headers.has('x-in'), ...by('in') })
    context.after(() => server.close())
    assert.equal(await whoTakes(context, server.port, '/', 'X-In: 1'), 'in {}')
    assert.equal(await whoTakes(context, server.port, '/'), '404')
  })

  it('works in memory', async (context) => {
    const network = new MemoryNetwork()
    const server = await network.serve({
      port: 80,
      path: '/a/*',
      message: (socket) => socket.send(socket.request.params['0']!),
    })
    context.after(() => server.close())
    const socket = new network.WebSocket('ws://localhost/a/b/c')
    socket.onopen = () => socket.send('?')
    const [event] = (await once(socket as never, 'message')) as [MessageEvent]
    assert.equal(event.data, 'b/c')
  })
})

describe('attach: several paths on one server', () => {
  it('gives a handshake to the most specific, in whichever order they are attached', async (context) => {
    const patterns = ['/rooms/lobby', '/rooms/:id-x', '/rooms/:id', '/rooms/*', '/:kind/:id', '/*']
    for (const order of [patterns, patterns.toReversed(), [...patterns].sort()]) {
      const app = createServer()
      app.listen(0, '127.0.0.1')
      await once(app, 'listening')
      const all = attach(app, by('all'))
      const odd = attach(app, { path: ({ headers }) => headers.has('x-odd'), ...by('odd') })
      const servers = order.map((path) => attach(app, { path, ...by(path) }))
      const { port } = app.address() as AddressInfo
      assert.equal(await whoTakes(context, port, '/rooms/lobby'), '/rooms/lobby {}')
      assert.equal(await whoTakes(context, port, '/rooms/a-x'), '/rooms/:id-x {"id":"a"}')
      assert.equal(await whoTakes(context, port, '/rooms/a'), '/rooms/:id {"id":"a"}')
      assert.equal(await whoTakes(context, port, '/rooms/a/b'), '/rooms/* {"0":"a/b"}')
      assert.equal(await whoTakes(context, port, '/users/a'), '/:kind/:id {"kind":"users","id":"a"}')
      assert.equal(await whoTakes(context, port, '/x', 'X-Odd: 1'), '/* {"0":"x"}')
      await servers.at(order.indexOf('/*'))!.close()
      assert.equal(await whoTakes(context, port, '/x', 'X-Odd: 1'), 'odd {}')
      assert.equal(await whoTakes(context, port, '/x'), 'all {}')
      await Promise.all([...servers, odd, all].map((server) => server.close()))
      app.closeAllConnections()
      app.close()
    }
  })

  it('refuses a pattern that matches the same paths as another', async (context) => {
    const app = createServer()
    const one = attach(app, { path: '/rooms/:id' })
    context.after(() => one.close())
    assert.throws(
      () => attach(app, { path: '/rooms/:name' }),
      (error) => error instanceof UsageError && error.code === 'pathTaken',
    )
  })
})
