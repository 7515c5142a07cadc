import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { frame } from 'twoway-testing/bytes.js'
import { acceptance } from 'twoway-testing/peers/acceptance.js'
import { listenOnLoopback, readHead } from 'twoway-testing/peers/loopback.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { HandshakeError, ProtocolError, TransportError, UsageError } from '../core/errors.js'
import { HeaderFields } from '../core/http/header-fields.js'
import { openClientSocket } from './stream/client-stream-socket.js'
import { defineWebSocketStream } from './stream/websocket-stream.js'
import { defineWebSocket } from './websocket/websocket.js'
import { WebSocketError } from './websocket/websocket-error.js'
import type { WebSocketOptions } from './websocket/websocket-types.js'

const { clientPorts } = networks.find(({ name }) => name === 'TCP')!
const WebSocket = defineWebSocket(clientPorts)
const WebSocketStream = defineWebSocketStream(openClientSocket(clientPorts))

type Answer = (head: string) => string | Buffer

async function server(context: TestContext, answer: Answer): Promise<string> {
  const onSocket = async (socket: Socket): Promise<void> => {
    socket.write(answer(await readHead(socket)))
    socket.resume()
  }
  const { port } = await listenOnLoopback(context, (socket) => onSocket(socket).catch(() => {}))
  return `ws://127.0.0.1:${port}/`
}

interface ShownEvent {
  readonly message?: string
  readonly error?: unknown
  readonly headers?: HeaderFields
}

async function eventOf(socket: object, type: string): Promise<ShownEvent> {
  const [event] = (await once(socket as EventTarget, type)) as [ShownEvent]
  return event
}

const accept: Answer = (head) => acceptance(head)
const refuse: Answer = () => 'HTTP/1.1 403 Forbidden\r\nSet-Cookie: secret\r\nContent-Length: 2\r\n\r\nno'

describe('the reason of a failure', () => {
  /** The ways to fail: the server's answer, what of it a log must show, and the class of the error. */
  const failures: Readonly<
    Record<string, readonly [answer: Answer | undefined, options: WebSocketOptions, shown: string, Class: unknown]>
  > = {
    'no server': [undefined, {}, 'ECONNREFUSED', TransportError],
    'a refusal': [refuse, {}, '403 Forbidden', HandshakeError],
    'a broken answer': [() => 'SSH-2.0-x\r\n', {}, 'not well-formed HTTP', HandshakeError],
    'a time that is over': [() => '', { handshakeTimeoutMs: 20 }, 'timed out after 20 ms', TransportError],
    'an aborted signal': [accept, { signal: AbortSignal.abort() }, 'was aborted', TransportError],
    'a broken frame': [(head) => acceptance(head, Buffer.from('8300', 'hex')), {}, 'opcode is reserved', ProtocolError],
  }

  for (const [what, [answer, options, shown, Class]] of Object.entries(failures)) {
    it(`is in the member that a program reads: ${what}`, async (context) => {
      const url = answer === undefined ? 'ws://127.0.0.1:1/' : await server(context, answer)
      const event = await eventOf(new WebSocket(url, options), 'error')
      const error = event.error as Error
      assert.ok(error instanceof (Class as typeof Error))
      assert.equal(event.message, error.message)
      assert.deepEqual(Object.keys(event).includes('message'), true)
      const json = JSON.parse(JSON.stringify(error))
      assert.deepEqual([json.name, json.message], [error.name, error.message])
      for (const text of [error.message, inspect(event), inspect(error), JSON.stringify(event), String(error)]) {
        assert.ok(text.includes(shown), text)
      }
      assert.match(inspect(event), /^Event \{\s+type: 'error',\s+message: /)

      const rejected = await new WebSocketStream(url, options as object).closed.catch((found) => found)
      const isAborted = options.signal !== undefined
      if (!isAborted) assert.ok(JSON.stringify(rejected).includes(shown) && inspect(rejected).includes(shown))
    })
  }

  it('has in JSON the fields that tell errors apart, and nothing that may be secret', async (context) => {
    const event = await eventOf(new WebSocket(await server(context, refuse)), 'error')
    const error = event.error as HandshakeError
    const { name, code, status, message, body } = error
    assert.deepEqual(JSON.parse(JSON.stringify(error)), { name, code, status, message, body })
    const errors = [
      [new ProtocolError('reservedBits'), ['name', 'code', 'closeCode', 'message']],
      [new TransportError('lost', { cause: new Error('reset') }), ['name', 'code', 'message']],
      [new UsageError('optionInvalid', 'wrong'), ['name', 'code', 'message']],
      [new WebSocketError('lost', { closeCode: 3000, reason: 'a' }), ['name', 'message', 'closeCode', 'reason']],
    ] as const
    for (const [each, names] of errors) assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(each))), names)
  })
})

describe('the fields of the 101', () => {
  const fields = ['X-Request-Id: 4711', 'Set-Cookie: a=1; Path=/', 'Set-Cookie: b=2, c', 'X-List: a', 'x-list: b']
  const answer: Answer = (head) => acceptance(head, 'hello', fields)

  function check(headers: HeaderFields): void {
    assert.ok(headers instanceof HeaderFields)
    assert.equal(headers.get('x-request-id'), '4711')
    assert.equal(headers.get('X-LIST'), 'a, b')
    assert.deepEqual(headers.all('set-cookie'), ['a=1; Path=/', 'b=2, c'])
    assert.deepEqual(headers.getSetCookie(), ['a=1; Path=/', 'b=2, c'])
    assert.equal(headers.get('upgrade'), 'websocket')
    assert.equal(headers.get('x-none'), undefined)
    assert.deepEqual([...new Headers([...headers].map(([name, value]) => [name, value])).getSetCookie()].length, 2)
  }

  it('come with the open event of a WebSocket', async (context) => {
    const socket = new WebSocket(await server(context, answer))
    context.after(() => socket.close())
    const event = await eventOf(socket, 'open')
    check(event.headers as HeaderFields)
    assert.match(inspect(event), /'x-request-id': '4711'/)
  })

  it('come with the value of `opened` of a WebSocketStream', async (context) => {
    const stream = new WebSocketStream(await server(context, answer))
    context.after(() => stream.close())
    check((await stream.opened).headers!)
  })

  it('are those of the last server after a redirect, and never those of an interim answer', async (context) => {
    const last = await server(context, (head) =>
      Buffer.concat([Buffer.from('HTTP/1.1 103 Early Hints\r\nX-Request-Id: early\r\n\r\n'), answer(head) as Buffer]),
    )
    const first = await server(
      context,
      () => `HTTP/1.1 302 Found\r\nX-Request-Id: first\r\nLocation: ${last}\r\nContent-Length: 0\r\n\r\n`,
    )
    const socket = new WebSocket(first, { maxRedirects: 1 })
    context.after(() => socket.close())
    check((await eventOf(socket, 'open')).headers as HeaderFields)
  })
})

describe('console.log', () => {
  it('shows a WebSocket by the attributes of its interface, without a password', async (context) => {
    const url = await server(context, accept)
    const socket = new WebSocket(url.replace('//', '//user:sesame@'), 'chat' as never)
    assert.match(inspect(socket), /^WebSocket \{\s+url: 'ws:\/\/127\.0\.0\.1:\d+\/',\s+readyState: 'CONNECTING',/)
    const failed = await eventOf(socket, 'close')
    assert.match(inspect(socket), /readyState: 'CLOSED'/)
    assert.match(inspect(failed), /code: 1006/)
    class Special extends WebSocket {}
    const special = new Special(url)
    context.after(() => special.close())
    assert.match(inspect(special), /^Special \{/)
    assert.match(inspect({ a: { b: { c: special } } }), /\[Special\]/)
  })

  it('shows a WebSocketStream by its URL, without a password', async (context) => {
    const url = await server(context, accept)
    const stream = new WebSocketStream(url.replace('//', '//user:sesame@'))
    context.after(() => stream.close())
    assert.equal(inspect(stream), `WebSocketStream { url: '${url}' }`)
    await stream.opened
  })

  it('shows header fields by their names, and the lines of one name as a list', () => {
    const headers = new HeaderFields(['Host', 'a', 'X', '1', 'x', '2', '__proto__', 'b'])
    assert.equal(inspect(headers), "HeaderFields { host: 'a', x: [ '1', '2' ], ['__proto__']: 'b' }")
  })
})

describe('frames that come with the 101', () => {
  const text = (payload: string): Uint8Array => frame({ opcode: 1, payload })

  /** The bytes behind the 101, and the events that they cause. */
  const cases: Readonly<Record<string, readonly [frames: readonly Uint8Array[], log: readonly string[]]>> = {
    'a message': [[text('a')], ['open', 'message a']],
    messages: [
      [text('a'), text('b')],
      ['open', 'message a', 'message b'],
    ],
    'a message and a violation': [
      [text('a'), Buffer.from('8300', 'hex')],
      ['open', 'message a', 'error', 'close 1006'],
    ],
    'a message and a Close': [
      [text('a'), frame({ opcode: 8, payload: Buffer.from('03e8', 'hex') })],
      ['open', 'message a', 'close 1000'],
    ],
    'a violation': [[Buffer.from('8300', 'hex')], ['open', 'error', 'close 1006']],
    'a Close': [[frame({ opcode: 8, payload: Buffer.from('03e8', 'hex') })], ['open', 'close 1000']],
    'half a message': [[text('abc').subarray(0, 3)], ['open']],
  }

  for (const [what, [frames, expected]] of Object.entries(cases)) {
    it(`are read after the open event: ${what}`, async (context) => {
      let isAnswered: (first: Buffer) => void
      const answered = new Promise<Buffer>((resolve) => {
        isAnswered = resolve
      })
      const { port } = await listenOnLoopback(context, async (socket) => {
        const head = await readHead(socket)
        socket.on('data', isAnswered).on('end', () => socket.end())
        socket.resume().write(acceptance(head, Buffer.concat(frames)))
      })
      const socket = new WebSocket(`ws://127.0.0.1:${port}`, { closeTimeoutMs: 20 })
      context.after(() => socket.close())
      const log: string[] = []
      const states: number[] = []
      const isComplete = new Promise<void>((resolve) => {
        const note = (entry: string): void => {
          log.push(entry)
          states.push(socket.readyState)
          if (log.length === expected.length) resolve()
        }
        socket.onopen = () => note('open')
        socket.onerror = () => note('error')
        socket.onclose = ({ code }) => note(`close ${code}`)
        socket.onmessage = ({ data }) => {
          socket.send(data)
          note(`message ${data}`)
        }
      })
      await isComplete
      assert.deepEqual(log, expected)
      assert.equal(states[0], socket.OPEN)
      // The first message is answered, whatever comes behind it.
      if (what.startsWith('a message')) assert.equal((await answered)[0], 0x81)
    })
  }
})
