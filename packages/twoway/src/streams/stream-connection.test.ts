import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type Duplex, PassThrough } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import {
  fromDuplex,
  negotiateDeflate,
  type StreamConnection,
  type StreamConnectionOptions,
  tryToTakeHandles,
} from '../entries/streams.js'

type Options = Omit<StreamConnectionOptions, 'role'>

/** A connection over TCP of which both ends are ours, with the log of their events. */
async function pair(
  test: TestContext,
  of: { client?: Options; server?: Options } = {},
): Promise<{ client: StreamConnection; server: StreamConnection; log: Log }> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  const near = connect(port, '127.0.0.1')
  const { 0: far } = (await once(listener, 'connection')) as [Socket]
  test.after(() => {
    near.destroy()
    far.destroy()
    listener.close()
  })
  const log = new Log()
  const client = fromDuplex(near, { role: 'client', ...log.handlers('client'), ...of.client })
  const server = fromDuplex(far, { role: 'server', ...log.handlers('server'), ...of.server })
  return { client, server, log }
}

class Log {
  readonly lines: string[] = []
  #wake = (): void => {}

  readonly add = (line: string): void => {
    this.lines.push(line)
    this.#wake()
  }

  handlers(name: string): Options {
    return {
      message: (message, isText) => this.add(`${name} ${isText ? 'text' : 'binary'} ${typeof message} ${message}`),
      ping: (payload) => this.add(`${name} ping ${payload}`),
      pong: (payload) => this.add(`${name} pong ${payload}`),
      peerClose: (code, reason) => this.add(`${name} peerClose ${code} ${reason}`),
      error: (error) => this.add(`${name} error ${error.code}`),
      close: ({ code, reason, wasClean }) => this.add(`${name} close ${code} ${reason} ${wasClean}`),
    }
  }

  async until(line: string): Promise<void> {
    while (!this.lines.includes(line)) await new Promise<void>((resolve) => (this.#wake = resolve))
  }
}

describe('a connection over a stream', () => {
  it('joins fragments of a text that are cut within a character, §5.4', { timeout: 60_000 }, async (test) => {
    const { client, log } = await pair(test)
    const bytes = Buffer.from('1 \u20ac, 2 \u{1f600}')
    for (const at of bytes.keys()) {
      client.send(bytes.subarray(at, at + 1), { isText: true, fin: at === bytes.length - 1 })
    }
    await log.until(`server text string ${bytes}`)
  })

  it('delivers messages of both kinds, tells of Pings and Pongs, and closes', async (test) => {
    const { client, server, log } = await pair(test)
    client.send('text')
    client.send(Buffer.from('bytes'))
    client.ping(Buffer.from('one'))
    await log.until('client pong one')
    server.pong(Buffer.from('unasked'))
    await log.until('client pong unasked')
    client.close(1000, 'done')
    await log.until('client close 1000 done true')
    await log.until('server close 1000 done true')
    assert.deepEqual(
      log.lines.filter((line) => line.startsWith('server')),
      [
        'server text string text',
        'server binary object bytes',
        'server ping one',
        'server peerClose 1000 done',
        'server close 1000 done true',
      ],
    )
    assert.equal(client.state, 'closed')
  })

  it('delivers texts as bytes, and checks them, §8.1', async (test) => {
    const { client, log } = await pair(test, { server: { textForm: 'bytes' } })
    client.send('ä')
    client.send('a'.repeat(100_000))
    await log.until(`server text object ${'a'.repeat(100_000)}`)
    assert.equal(log.lines[0], 'server text object ä')
    for (const [textForm, expected] of [
      ['bytes', 'server error textNotUtf8'],
      ['uncheckedBytes', 'server text object \ufffd'],
    ] as const) {
      const stream = new PassThrough()
      const seen = new Log()
      fromDuplex(stream, {
        role: 'server',
        textForm,
        head: Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff]),
        ...seen.handlers('server'),
      })
      await seen.until(expected)
      stream.destroy()
    }
  })

  it('sends a message in fragments, which others wait behind, and calls back for each, §5.4', async (test) => {
    const { client, log } = await pair(test)
    const sent: string[] = []
    client.send('one ', { fin: false }, () => sent.push('one'))
    client.send('two', { fin: true }, () => sent.push('two'))
    client.send('three', {}, () => sent.push('three'))
    client.close(1000)
    await log.until('server close 1000  true')
    assert.deepEqual(log.lines.slice(0, 2), ['server text string one two', 'server text string three'])
    assert.deepEqual(sent.sort(), ['one', 'three', 'two'])
  })

  it('calls back with an error for a message that is not sent', async (test) => {
    const { client, log } = await pair(test)
    client.terminate()
    await log.until('client close 1006  false')
    const error = await new Promise((resolve) => client.send('late', {}, resolve))
    assert.match(String(error), /closed before the message was sent/)
  })

  it('leaves Pings to its owner, and delivers between its Close and the answer, if told so', async (test) => {
    const { client, server, log } = await pair(test, {
      client: { deliversWhileClosing: true, textForm: 'bytes' },
      server: { answersPings: false, peerClose: () => server.send('late') },
    })
    client.ping(Buffer.from('asked'))
    await log.until('server ping asked')
    client.close(1000)
    await log.until('client close 1000  true')
    assert.ok(log.lines.includes('client text object late'), log.lines.join('\n'))
    assert.ok(!log.lines.includes('client pong asked'))
  })

  it('closes without the reason of a broken rule, if told so', async () => {
    const written: Buffer[] = []
    const stream = new PassThrough()
    stream.write = ((chunk: Uint8Array, done: () => void) => {
      written.push(Buffer.from(chunk))
      process.nextTick(done)
      return true
    }) as Duplex['write']
    const seen = new Log()
    const head = Buffer.from([0x83, 0x80, 0, 0, 0, 0])
    fromDuplex(stream, { role: 'server', explainsFailures: false, head, ...seen.handlers('server') })
    await seen.until('server error reservedOpcode')
    await new Promise(setImmediate)
    assert.deepEqual([...Buffer.concat(written)], [0x88, 2, 1002 >> 8, 1002 & 0xff])
    stream.destroy()
  })

  it('calls back for a message that is compressed in the thread pool', async (test) => {
    const offered = negotiateDeflate('client')
    const deflate = negotiateDeflate('server').accept(offered.offer)
    const { server, log } = await pair(test, {
      client: { deflate: offered.confirm(deflate!.answer) },
      server: { deflate },
    })
    const text = 'a text to compress '.repeat(10_000)
    await new Promise<void>((resolve) => server.send(text, {}, () => resolve()))
    await log.until(`client text string ${text}`)
  })

  it('sends the UTF-8 of a text without decoding it, §5.6', async (test) => {
    const { client, server, log } = await pair(test)
    const offered = negotiateDeflate('client')
    const deflate = negotiateDeflate('server', { thresholdBytes: 0 }).accept(offered.offer)
    const compressed = await pair(test, { client: { deflate: offered.confirm(deflate!.answer) }, server: { deflate } })
    for (const text of ['', 'née 😀', 'é'.repeat(10_000)]) {
      for (const each of [client, server, compressed.client, compressed.server]) {
        each.send(Buffer.from(text), { isText: true })
      }
      await log.until(`server text string ${text}`)
      await log.until(`client text string ${text}`)
      await compressed.log.until(`server text string ${text}`)
      await compressed.log.until(`client text string ${text}`)
    }
    client.send(Buffer.from([0x61, 0xff]), { isText: true })
    await log.until('server text string a\ufffd')
    client.send('as it is', { isText: true })
    await log.until('server text string as it is')
  })

  it('copies the UTF-8 of a text that waits behind another message', async (test) => {
    const { server, log } = await pair(test)
    server.send('in ', { fin: false })
    const bytes = Buffer.from('a text that waits')
    server.send('pieces', { fin: true })
    server.send(bytes, { isText: true })
    bytes.fill(0)
    await log.until('client text string a text that waits')
  })

  it('delivers short messages in memory that they share, if told so', async (test) => {
    for (const pooledMessages of [false, true]) {
      const heard: Uint8Array[] = []
      const { client, log } = await pair(test, {
        server: { pooledMessages, message: (message) => heard.push(message as Uint8Array), pong: () => log.add('all') },
      })
      for (const length of [100, 101, 10_000]) client.send(Buffer.alloc(length, length % 256))
      client.pong(Buffer.alloc(0))
      await log.until('all')
      assert.deepEqual(
        heard.map(({ buffer, length }) => buffer.byteLength === length),
        [!pooledMessages, !pooledMessages, true],
      )
      for (const message of heard) assert.ok(message.every((byte) => byte === message.length % 256))
    }
  })

  it('calls the handlers of an object of their own', async (test) => {
    const log = new Log()
    class Handlers {
      readonly heard = log
      message(message: string | Uint8Array): void {
        this.heard.add(`own ${message}`)
      }
    }
    const { client } = await pair(test, { server: { handlers: new Handlers(), message: () => assert.fail() } })
    client.send('a')
    await log.until('own a')
  })

  it('takes the handle of a socket if told so, which the socket survives', async (test) => {
    await tryToTakeHandles()
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const near = connect((listener.address() as { port: number }).port, '127.0.0.1')
    const { 0: far } = (await once(listener, 'connection')) as [Socket]
    test.after(() => listener.close())
    const log = new Log()
    const client = fromDuplex(near, { role: 'client', takesHandle: true, ...log.handlers('client') })
    fromDuplex(far, { role: 'server', takesHandle: true, ...log.handlers('server') })
    client.send('a')
    await log.until('server text string a')
    far.pause()
    client.send('b')
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.ok(!log.lines.includes('server text string b'))
    assert.equal(far.remotePort, near.localPort)
    far.resume()
    await log.until('server text string b')
    far.destroy()
    await log.until('client close 1006  false')
    await log.until('server close 1006  false')
  })

  it('negotiates permessage-deflate, RFC 7692', async (test) => {
    const ours = negotiateDeflate('client')
    const theirs = negotiateDeflate('server', { thresholdBytes: 0 })
    const accepted = theirs.accept(ours.offer)
    assert.ok(accepted)
    const confirmed = ours.confirm(accepted.answer)
    assert.ok(confirmed)
    assert.equal(ours.confirm('permessage-deflate; unknown'), undefined)
    assert.equal(theirs.accept('x-other'), undefined)
    const { server, log } = await pair(test, { client: { deflate: confirmed }, server: { deflate: accepted } })
    server.send('a'.repeat(5_000))
    await log.until(`client text string ${'a'.repeat(5_000)}`)
  })

  it('uses the masking keys of the caller, §5.3', async () => {
    const written: Buffer[] = []
    const stream = new PassThrough()
    const write = stream.write.bind(stream) as (...parts: unknown[]) => boolean
    stream.write = ((chunk: Uint8Array, ...rest: unknown[]) => {
      written.push(Buffer.from(chunk))
      return write(chunk, ...rest)
    }) as Duplex['write']
    const connection = fromDuplex(stream, { role: 'client', maskingKey: () => 0x04030201 })
    await new Promise<void>((resolve) => connection.send('abc', {}, () => resolve()))
    assert.deepEqual([...Buffer.concat(written)].slice(2, 6), [1, 2, 3, 4])
    stream.destroy()
  })
})
