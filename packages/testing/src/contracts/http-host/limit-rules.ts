import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Transport } from '../../../../twoway/dist/ports/transport.js'
import type { HttpClient } from '../../harnesses/http-client.js'
import { RecordingSink } from '../../harnesses/recording-sink.js'
import { handshake, type Listen, shortTimeMs } from './listening-host.js'

/** The heads that a host refuses, and the limits of time and number. */
export function limitRules(listen: Listen): void {
  test('answers 503 to requests above the limit, and still passes on handshakes', async (context) => {
    const { handler, open } = await listen(context, { maxRequests: 2 })
    handler.answer = () => new Promise(() => {})
    const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'
    for (const { client } of [open(), open()]) client.write(Buffer.from(request))
    while (handler.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    const response = await open().exchange(request)
    assert.equal(response.status, 503)
    assert.equal(response.fields.get('retry-after'), '1')
    assert.deepEqual(handler.limits, ['maxRequests'])
    open().client.write(Buffer.from(`${handshake}\r\n`))
    await handler.untilUpgrade()
    handler.upgrades[0]!.transport.destroy()
  })

  test('answers 503 if the handler does not answer in time', async (context) => {
    const { handler, open } = await listen(context, { requestTimeoutMs: 60 })
    handler.answer = () => new Promise(() => {})
    const response = await open().exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(response.status, 503)
    assert.deepEqual(handler.limits, ['requestTimeoutMs'])
  })

  test('answers 400 with a sentence to bytes that are not HTTP, and closes', async (context) => {
    const { handler, open } = await listen(context)
    for (const text of ['garbage\r\n\r\n', 'GET / HTTP/1.1\r\nno colon\r\n\r\n', 'GET / HTTP/1.1\r\n: a\r\n\r\n']) {
      const response = await open().exchange(text)
      assert.equal(response.status, 400)
      assert.match(response.body.toString(), /not well-formed HTTP/)
      assert.equal(response.fields.get('connection'), 'close')
    }
    assert.equal(handler.requests.length + handler.upgrades.length, 0)
  })

  test('answers 431 with a sentence to a head that is too long, complete or not', async (context) => {
    const { handler, open } = await listen(context)
    for (const end of ['\r\n\r\n', '']) {
      const response = await open().exchange(`${handshake}X-Long: ${'x'.repeat(3000)}${end}`)
      assert.equal(response.status, 431)
      assert.match(response.body.toString(), /longer than this server accepts/)
    }
    assert.equal(handler.upgrades.length, 0)
  })

  test('accepts the allowed number of fields, and answers 431 to one more', async (context) => {
    // Node gathers fields in batches of about 32.
    for (const maxHeaderFields of [5, 30, 31, 32, 33, 62, 64]) {
      const { handler, open } = await listen(context, { maxHeaderFields, maxHeadBytes: 16_384 })
      const fill = (count: number): string => Array.from({ length: count }, (_, at) => `X-${at}: v\r\n`).join('')
      open().client.write(Buffer.from(`${handshake}${fill(maxHeaderFields - 3)}\r\n`))
      await handler.untilUpgrade()
      assert.equal(handler.upgrades[0]!.head.fields.length, 2 * maxHeaderFields)
      handler.upgrades[0]!.transport.destroy()
      for (const count of [maxHeaderFields - 2, maxHeaderFields + 60]) {
        const tooMany = await open().exchange(`${handshake}${fill(count)}\r\n`)
        assert.equal(tooMany.status, 431)
      }
      const tooManyOfPlain = await open().exchange(`GET / HTTP/1.1\r\nHost: a\r\n${fill(maxHeaderFields)}\r\n`)
      assert.equal(tooManyOfPlain.status, 431)
      assert.ok(handler.refusals.length > 0 && handler.refusals.every(({ status }) => status === 431))
      assert.equal(handler.upgrades.length + handler.requests.length, 1)
    }
  })

  test('answers 408 to a head that does not arrive in time, and closes', async (context) => {
    // On a busy machine the TLS handshake may take longer and gets no answer. The test then repeats with more time.
    for (let handshakeTimeoutMs = shortTimeMs; ; handshakeTimeoutMs *= 2) {
      const { handler, open } = await listen(context, { handshakeTimeoutMs })
      const answers = await Promise.all([open().exchange(handshake), open().exchange('')])
      if (answers.some(({ status }) => Number.isNaN(status))) continue
      for (const response of answers) {
        assert.equal(response.status, 408)
        assert.match(response.body.toString(), /within the time/)
      }
      assert.deepEqual(
        handler.refusals.map(({ status }) => status),
        [408, 408],
      )
      return
    }
  })

  test('ends the time of the handshake when it passes the request on', async (context) => {
    let handshakeTimeoutMs = shortTimeMs
    let taken: HttpClient | undefined
    let transport: Transport | undefined
    // On a busy machine the handshake itself may take longer. The test then repeats with more time.
    while (transport === undefined) {
      const { handler, open } = await listen(context, { handshakeTimeoutMs })
      taken = open()
      taken.client.write(Buffer.from(`${handshake}\r\n`))
      await Promise.race([handler.untilUpgrade(), taken.sink.until(() => taken!.sink.hasEnded)])
      transport = handler.upgrades[0]?.transport
      if (transport === undefined) handshakeTimeoutMs *= 2
    }
    const { sink } = taken!
    transport.start(new RecordingSink())
    await new Promise((resolve) => setTimeout(resolve, 2.5 * handshakeTimeoutMs))
    transport.write(Buffer.from('alive'))
    await sink.untilText('alive')
    transport.destroy()
  })

  test('drops a client that does not close after the answer', async (context) => {
    const { open } = await listen(context, { handshakeTimeoutMs: shortTimeMs })
    const { client, sink } = open()
    client.write(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
    await sink.until(() => sink.hasEnded)
    for (let count = 0; count < 200 && !sink.calls.includes('closed'); count += 1) {
      client.write(Buffer.from('x'))
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    assert.ok(sink.calls.includes('closed'))
  })
}
