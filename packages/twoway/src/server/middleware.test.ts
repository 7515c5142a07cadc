import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { frame } from 'twoway-testing/bytes.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import { UsageError } from '../core/errors.js'
import { type AttachOptions, attach, type Middleware, type Server, serve } from '../entries/server.js'
import { nodeConnector } from '../runtimes/node/connect/connector.js'

interface App {
  readonly http: HttpServer
  readonly server: Server<unknown>
  /** The errors that `error` got. */
  readonly errors: Error[]
}

async function appWith<Data>(context: TestContext, options: AttachOptions<Data>): Promise<App> {
  const http = createServer((_, response) => response.end('app'))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const errors: Error[] = []
  const server = attach<Data>(http, { closeTimeoutMs: 100, error: (_, error) => errors.push(error), ...options })
  context.after(async () => {
    await server.close()
    http.closeAllConnections()
    http.close()
  })
  return { http, server: server as Server<unknown>, errors }
}

function peerOf(context: TestContext, { http }: App, ...lines: readonly string[]): RawPeer {
  const { port } = http.address() as AddressInfo
  const peer = new RawPeer(nodeConnector, { host: '127.0.0.1', port, tls: undefined })
  context.after(() => peer.destroy())
  peer.send(handshakeRequest('/chat', ...lines))
  return peer
}

/** The whole answer to a handshake: its head, and the body if it was refused. */
async function answerOf(context: TestContext, app: App, ...lines: readonly string[]): Promise<string> {
  const peer = peerOf(context, app, ...lines)
  const head = await peer.head()
  if (head.startsWith('HTTP/1.1 101')) return head
  await peer.inputEnded
  return peer.text
}

describe('attach: nodeRequest', () => {
  it('is the request of node:http, whose socket knows both addresses, and lasts over the handshake', async (context) => {
    const seen: unknown[] = []
    const app = await appWith(context, {
      async upgrade(request, { nodeRequest }) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        const { socket, url, headers } = nodeRequest
        seen.push(nodeRequest instanceof IncomingMessage, url, headers['x-a'], request.headers.get('x-a'))
        seen.push(
          socket.remoteAddress,
          socket.localAddress,
          socket.localPort === (app.http.address() as AddressInfo).port,
        )
        return { data: nodeRequest.headers.host }
      },
    })
    assert.match(await answerOf(context, app, 'X-A: 1'), /^HTTP\/1\.1 101/)
    assert.deepEqual(seen, [true, '/chat', '1', '1', '127.0.0.1', '127.0.0.1', true])
  })

  it('is missing with serve: an error says so when it is read', async (context) => {
    const errors: Error[] = []
    const server = await serve({
      port: 0,
      upgrade: (_, context) => ({ data: context.nodeRequest }),
      error: (_, error) => errors.push(error),
    })
    context.after(() => server.close())
    const peer = new RawPeer(nodeConnector, { host: '127.0.0.1', port: server.port, tls: undefined })
    peer.send(handshakeRequest('/'))
    assert.match(await peer.head(), /^HTTP\/1\.1 500/)
    assert.ok(errors[0] instanceof UsageError && errors[0].code === 'nodeRequestMissing')
    peer.destroy()
  })
})

describe('attach: middleware', () => {
  it('runs in order before upgrade, with one request and one response, and its fields go into the 101', async (context) => {
    const order: string[] = []
    const step =
      (name: string): Middleware =>
      (request: IncomingMessage & { trail?: string }, response: ServerResponse, next: () => void) => {
        order.push(name)
        request.trail = `${request.trail ?? ''}${name}`
        response.appendHeader('Set-Cookie', `${name}=1`)
        setImmediate(next)
      }
    const app = await appWith(context, {
      use: [step('a'), step('b')],
      upgrade(_, { nodeRequest }) {
        order.push('upgrade')
        return { headers: { 'X-Trail': (nodeRequest as { trail?: string }).trail!, 'Set-Cookie': 'c=1' } }
      },
    })
    const head = await answerOf(context, app)
    assert.match(head, /^HTTP\/1\.1 101/)
    assert.deepEqual(order, ['a', 'b', 'upgrade'])
    assert.deepEqual(head.match(/^set-cookie: .*$/gim), ['Set-Cookie: a=1', 'Set-Cookie: b=1', 'Set-Cookie: c=1'])
    assert.match(head, /^X-Trail: ab\r?$/m)
  })

  it('waits for wrappers of writeHead and end, such as those of sessions, before it answers 101', async (context) => {
    const events: string[] = []
    const session: Middleware = (request: IncomingMessage & { views?: number }, response: ServerResponse, next) => {
      const { writeHead, end } = response
      response.writeHead = (...args: never[]) => {
        response.setHeader('Set-Cookie', `views=${request.views}`)
        return (writeHead as (...all: never[]) => ServerResponse).apply(response, args)
      }
      response.end = (...args: never[]) => {
        events.push('saving')
        setTimeout(() => {
          events.push('saved')
          ;(end as (...all: never[]) => ServerResponse).apply(response, args)
        }, 20)
        return response
      }
      response.on('finish', () => events.push(`finish ${response.statusCode} ${response.headersSent}`))
      response.on('close', () => events.push('close'))
      next()
    }
    const app = await appWith(context, {
      use: [session],
      upgrade(_, { nodeRequest }) {
        Object.assign(nodeRequest, { views: 7 })
        return {}
      },
      open: () => events.push('open'),
    })
    const head = await answerOf(context, app)
    assert.match(head, /^HTTP\/1\.1 101[\s\S]*\r\nSet-Cookie: views=7\r\n/)
    assert.deepEqual(
      events.filter((each) => each !== 'open'),
      ['saving', 'saved', 'finish 101 true', 'close'],
    )
  })

  const refusals: readonly [name: string, act: (response: ServerResponse) => void, answer: RegExp][] = [
    ['end', (response) => response.end('no'), /^HTTP\/1\.1 200 OK[\s\S]*\r\n\r\nno$/],
    [
      'writeHead and end',
      (response) => response.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end('who?'),
      /^HTTP\/1\.1 401 [\s\S]*WWW-Authenticate: Basic[\s\S]*\r\n\r\nwho\?$/,
    ],
    [
      'writeHead with a phrase and a list',
      (response) => response.writeHead(403, 'No', ['X-A', '1', 'X-A', '2']).end(),
      /^HTTP\/1\.1 403 [\s\S]*X-A: 1\r\nX-A: 2\r\n[\s\S]*\r\n\r\n$/,
    ],
    [
      'pieces',
      (response) => {
        response.statusCode = 404
        response.write('one ')
        response.write(Buffer.from('two '))
        response.end('746872656521', 'hex')
      },
      /^HTTP\/1\.1 404 [\s\S]*Content-Length: 14\r\n[\s\S]*\r\n\r\none two three!$/,
    ],
    [
      'a redirect',
      (response) => response.writeHead(302, { Location: '/login', 'Content-Length': 0 }).end(),
      /^HTTP\/1\.1 302 [\s\S]*Location: \/login\r\n/,
    ],
    [
      'redirect',
      (response) => (response as ServerResponse & { redirect(...args: unknown[]): void }).redirect('/log in?a=%20'),
      /^HTTP\/1\.1 302 [\s\S]*Location: \/log%20in\?a=%20\r\n/,
    ],
    [
      'redirect with a status',
      (response) => (response as ServerResponse & { redirect(...args: unknown[]): void }).redirect(307, '/login'),
      /^HTTP\/1\.1 307 [\s\S]*Location: \/login\r\n/,
    ],
    [
      'fields of the framing and of the connection',
      (response) => {
        response.setHeader('Connection', 'keep-alive')
        response.setHeader('Transfer-Encoding', 'chunked')
        response.writeHead(400).end('x')
      },
      /^HTTP\/1\.1 400 (?![\s\S]*(?:chunked|keep-alive))[\s\S]*\r\n\r\nx$/,
    ],
  ]
  for (const [name, act, answer] of refusals) {
    it(`that ends the response by ${name} refuses the client, and upgrade is not called`, async (context) => {
      let calls = 0
      const count = (): object => {
        calls++
        return {}
      }
      const app = await appWith(context, {
        use: [(_: IncomingMessage, response: ServerResponse) => act(response), count],
        upgrade: count,
      })
      assert.match(await answerOf(context, app), answer)
      assert.equal(calls, 0)
      assert.deepEqual(app.errors, [])
      assert.equal(app.server.connections.size, 0)
    })
  }

  it('adds its fields to a refusal of upgrade, whose own come before them', async (context) => {
    const app = await appWith(context, {
      use: [
        (_: IncomingMessage, response: ServerResponse, next: () => void) => {
          response.setHeader('Set-Cookie', ['a=1', 'b=2'])
          response.setHeader('X-Who', 'middleware')
          next()
        },
      ],
      upgrade: () => ({ status: 401, headers: { 'X-Who': 'upgrade' }, body: 'no' }),
    })
    const answer = await answerOf(context, app)
    assert.match(answer, /^HTTP\/1\.1 401[\s\S]*no$/)
    assert.deepEqual(answer.match(/^(?:set-cookie|x-who): .*$/gim), [
      'Set-Cookie: a=1',
      'Set-Cookie: b=2',
      'X-Who: upgrade',
    ])
  })

  const failures: readonly [name: string, middleware: Middleware][] = [
    [
      'passes to next',
      (_request: IncomingMessage, _response: ServerResponse, next: (error?: unknown) => void) =>
        next(new Error('boom')),
    ],
    [
      'throws',
      () => {
        throw new Error('boom')
      },
    ],
    ['rejects with', () => Promise.reject(new Error('boom'))],
    [
      'destroys the response with',
      (_: IncomingMessage, response: ServerResponse) => void response.destroy(new Error('boom')),
    ],
  ]
  for (const [name, middleware] of failures) {
    it(`has an error that it ${name} answered 500, and given to error`, async (context) => {
      const app = await appWith(context, { use: [middleware, () => assert.fail('is not reached')] })
      const answer = await answerOf(context, app)
      assert.match(answer, /^HTTP\/1\.1 500/)
      assert.doesNotMatch(answer, /boom/)
      assert.deepEqual(
        app.errors.map(({ message }) => message),
        ['boom'],
      )
    })
  }

  it('with four parameters handles errors, and only these', async (context) => {
    const app = await appWith(context, {
      use: [
        (_error: unknown, _request: IncomingMessage, _response: ServerResponse, _next: () => void) =>
          assert.fail('no error yet'),
        (_request: IncomingMessage, _response: ServerResponse, next: (error?: unknown) => void) =>
          next(new Error('boom')),
        () => assert.fail('is left out'),
        (error: Error, _request: IncomingMessage, response: ServerResponse, _next: () => void) =>
          response.writeHead(418).end(error.message),
      ] as Middleware[],
    })
    assert.match(await answerOf(context, app), /^HTTP\/1\.1 418 [\s\S]*boom$/)
    assert.deepEqual(app.errors, [])
  })

  it('that never calls back ends with handshakeTimeoutMs, and its response with close', async (context) => {
    const events: string[] = []
    let isCalled = false
    let late: () => void = () => {}
    const app = await appWith(context, {
      handshakeTimeoutMs: 50,
      use: [
        (_request: IncomingMessage, response: ServerResponse, next: () => void) => {
          response.on('close', () => events.push('close'))
          late = next
        },
      ],
      upgrade() {
        isCalled = true
        return {}
      },
    })
    assert.match(await answerOf(context, app), /^HTTP\/1\.1 503/)
    assert.deepEqual(events, ['close'])
    assert.equal(app.server.metrics().limits.handshakeTimeoutMs, 1)
    late()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(isCalled, false)
    assert.equal(app.errors.length, 1)
  })

  it('that never calls back is named to error', async (context) => {
    const passes = (_request: IncomingMessage, _response: ServerResponse, next: () => void) => next()
    function stuck() {}
    const app = await appWith(context, { handshakeTimeoutMs: 50, use: [passes, stuck] })
    assert.match(await answerOf(context, app), /^HTTP\/1\.1 503/)
    assert.equal(app.errors.length, 1)
    assert.equal((app.errors[0] as UsageError).code, 'middlewareTooLate')
    assert.match(
      app.errors[0]!.message,
      /^use\[1\] \(stuck\) neither called next\(\) nor ended the response within .*50 ms/,
    )
  })

  it('that never ends the response that it holds back is reported to error', async (context) => {
    const app = await appWith(context, {
      handshakeTimeoutMs: 50,
      use: [
        (_request: IncomingMessage, response: ServerResponse, next: () => void) => {
          response.end = () => response
          next()
        },
      ],
    })
    assert.match(await answerOf(context, app), /^HTTP\/1\.1 503/)
    assert.equal(app.errors.length, 1)
    assert.match(app.errors[0]!.message, /replaces end\(\) of the response.*50 ms.*the store of the sessions/)
  })

  it('that calls next twice goes on once, and tells error of an error that comes late', async (context) => {
    let calls = 0
    const app = await appWith(context, {
      use: [
        (_request: IncomingMessage, _response: ServerResponse, next: (error?: unknown) => void) => {
          next()
          next()
          next(new Error('late'))
        },
      ],
      upgrade() {
        calls++
        return {}
      },
    })
    assert.match(await answerOf(context, app), /^HTTP\/1\.1 101/)
    assert.equal(calls, 1)
    assert.deepEqual(
      app.errors.map(({ message }) => message),
      ['late'],
    )
  })

  it('gets the event close if the peer leaves, and upgrade is not called', async (context) => {
    let calls = 0
    let next: () => void = () => {}
    let peer: RawPeer | undefined
    const app: App = await appWith(context, {
      use: [
        (_request: IncomingMessage, response: ServerResponse, goOn: () => void) => {
          next = goOn
          response.once('close', () => app.http.emit('left'))
          setImmediate(() => peer!.destroy())
        },
      ],
      upgrade() {
        calls++
        return {}
      },
    })
    const left = once(app.http, 'left')
    peer = peerOf(context, app)
    await left
    next()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(calls, 0)
    assert.deepEqual(app.errors, [])
    assert.equal(app.server.metrics().handshakesLeft, 1)
  })

  it('runs for no request that breaks a rule, and for no foreign page', async (context) => {
    let calls = 0
    const app = await appWith(context, {
      use: [
        (_request: IncomingMessage, _response: ServerResponse, next: () => void) => {
          calls++
          next()
        },
      ],
    })
    assert.match(await answerOf(context, app, 'Origin: http://evil.example'), /^HTTP\/1\.1 403/)
    assert.match(await answerOf(context, app, 'Content-Length: 5'), /^HTTP\/1\.1 400/)
    assert.equal(calls, 0)
  })

  it('delays the messages that come meanwhile until after open', async (context) => {
    const events: string[] = []
    const app = await appWith(context, {
      use: [(_request: IncomingMessage, _response: ServerResponse, next: () => void) => void setTimeout(next, 20)],
      open: () => events.push('open'),
      message(socket, message) {
        events.push(String(message))
        socket.send('got it')
      },
    })
    const peer = peerOf(context, app)
    peer.send(frame({ opcode: 1, payload: 'early', masked: true }))
    await peer.framesOf(1)
    assert.deepEqual(events, ['open', 'early'])
  })

  it('that sets a field with a forbidden value is an error of the server', async (context) => {
    const app = await appWith(context, {
      use: [
        (_request: IncomingMessage, response: ServerResponse, next: () => void) => {
          response.setHeader('X-A', 'a\r\nX-B: 1')
          next()
        },
      ],
    })
    const answer = await answerOf(context, app)
    assert.match(answer, /^HTTP\/1\.1 500/)
    assert.doesNotMatch(answer, /X-B/)
    assert.equal(app.errors.length, 1)
  })

  it('has a response that is a ServerResponse, whatever prototype an app gives it', async (context) => {
    const app = await appWith(context, {
      use: [
        (_request: IncomingMessage, response: ServerResponse, next: () => void) => {
          assert.ok(response instanceof ServerResponse)
          Object.setPrototypeOf(response, Object.create(ServerResponse.prototype))
          next()
        },
        (_request: IncomingMessage, response: ServerResponse) => void response.writeHead(402).end('pay'),
      ],
    })
    assert.match(await answerOf(context, app), /^HTTP\/1\.1 402 [\s\S]*pay$/)
  })
})
