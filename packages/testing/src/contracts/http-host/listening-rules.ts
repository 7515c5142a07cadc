import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpListener, HttpResponse } from '../../../../twoway/dist/ports/http-host.js'
import { RecordingHandler } from '../../harnesses/recording-handler.js'
import { RecordingSink } from '../../harnesses/recording-sink.js'
import { handshake, type Listen } from './listening-host.js'

/** The listener of a host, from its port to its end. */
export function listeningRules(listen: Listen): void {
  test('chooses a free port if the port is 0', async (context) => {
    const { listener } = await listen(context)
    assert.ok(listener.port > 0 && listener.port < 65_536)
    assert.equal(listener.address, '127.0.0.1')
  })

  test('rejects an address in use with the code EADDRINUSE', async (context) => {
    const { subject, handler, listener, listenOptions } = await listen(context)
    await assert.rejects(subject.host.listen({ ...listenOptions, port: listener.port }, handler), {
      code: 'EADDRINUSE',
    })
  })

  test('frees the address on leave, and goes on with the connections that were accepted', async (context) => {
    const { handler, listener, listenOptions, subject, open } = await listen(context)
    const half = open()
    half.client.write(Buffer.from(handshake))
    const waiting = open()
    let answer: (response: HttpResponse) => void = () => {}
    const asked = new Promise<void>((resolve) => {
      handler.answer = () => {
        resolve()
        return new Promise((settle) => (answer = settle))
      }
    })
    waiting.client.write(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
    await asked
    let hasSettled = false
    const left = listener.leave().then(() => {
      hasSettled = true
    })
    const successor = new RecordingHandler()
    let again: HttpListener | undefined
    while (again === undefined) {
      await new Promise(setImmediate)
      again = await subject.host.listen({ ...listenOptions, port: listener.port }, successor).catch(() => undefined)
    }
    context.after(() => again.close())
    assert.equal(hasSettled, false)
    answer({ status: 204, fields: [], body: '' })
    await waiting.sink.until(() => waiting.sink.hasEnded)
    assert.match(waiting.sink.bytes.toString('latin1'), /^HTTP\/1\.1 204 /)
    half.client.write(Buffer.from('\r\n'))
    await handler.untilUpgrade()
    await left
    open().client.write(Buffer.from(`${handshake}\r\n`))
    await successor.untilUpgrade()
    assert.equal(handler.upgrades.length, 1)
    for (const { transport } of [...handler.upgrades, ...successor.upgrades]) transport.destroy()
  })

  test('has left once it is closed', async (context) => {
    const { listener, open } = await listen(context)
    const half = open()
    half.client.write(Buffer.from(handshake))
    const left = listener.leave()
    await listener.close()
    await left
  })

  test('frees the address on close, drops other connections and leaves WebSockets open', async (context) => {
    const { handler, listener, listenOptions, subject, open } = await listen(context)
    const webSocket = open()
    webSocket.client.write(Buffer.from(`${handshake}\r\n`))
    await handler.untilUpgrade()
    const { transport } = handler.upgrades[0]!
    const serverSink = new RecordingSink()
    transport.start(serverSink)
    const half = open()
    half.client.write(Buffer.from(handshake))
    const waiting = open()
    const asked = new Promise<void>((resolve) => {
      handler.answer = () => {
        resolve()
        return new Promise(() => {})
      }
    })
    waiting.client.write(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
    await asked

    await Promise.all([listener.close(), listener.close()])
    const again = await subject.host.listen({ ...listenOptions, port: listener.port }, new RecordingHandler())
    assert.equal(again.port, listener.port)
    for (const { sink } of [half, waiting]) {
      await sink.until(() => sink.calls.includes('ended') || sink.calls.includes('closed'))
    }
    transport.write(Buffer.from('alive'))
    webSocket.client.write(Buffer.from('too'))
    await Promise.all([webSocket.sink.untilText('alive'), serverSink.untilText('too')])
    await again.close()
    const refused = open()
    await refused.sink.untilCalled('closed')
    const { error } = refused.sink
    assert.match(String(error), new RegExp(`TransportError: can't connect to 127\\.0\\.0\\.1:${listener.port}: `))
    assert.ok(error?.cause instanceof Error && 'code' in error.cause)
    assert.equal(error.cause.code, 'ECONNREFUSED')
    transport.destroy()
  })
}
