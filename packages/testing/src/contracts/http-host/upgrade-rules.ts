import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecordingSink } from '../../harnesses/recording-sink.js'
import { handshake, type Listen } from './listening-host.js'

/** The handshakes that a host passes on. */
export function upgradeRules(listen: Listen): void {
  test('passes on each of many like handshakes with its own target and key', async (context) => {
    const { handler, open } = await listen(context)
    for (let count = 10; count < 50; count += 1) {
      const key = Buffer.from(`sixteen bytes ${count}`).toString('base64')
      const target = `/room?id=${count}`
      const lines = `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`
      open().client.write(Buffer.from(`${handshake.replace('/chat?x=%20', target)}${lines}`))
      await handler.untilUpgrade(count - 9)
      const { head } = handler.upgrades.at(-1)!
      assert.deepEqual([head.target, head.fields.at(-1)], [target, key])
    }
    // Known by now.
    for (const key of ['AAAAAAAAAAAAAAAAAAAAAA==', 'AQIDBAUGBwgJCgsMDQ4PEA==']) {
      const lines = `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`
      const before = handler.upgrades.length
      for (let count = 0; count < 20; count += 1) open().client.write(Buffer.from(`${handshake}${lines}`))
      await handler.untilUpgrade(before + 20)
      for (const { head } of handler.upgrades.slice(before)) {
        assert.deepEqual([head.target, head.fields.at(-1)], ['/chat?x=%20', key])
      }
    }
  })

  test('passes on a request with Upgrade, its head unchanged', async (context) => {
    const { handler, open } = await listen(context)
    const { client, sink } = open()
    client.write(Buffer.from(`${handshake}X-Twice: 1\r\nx-TWICE: \t two words \t\r\nX-Empty:\r\n\r\n`))
    await handler.untilUpgrade()
    const { head, transport } = handler.upgrades[0]!
    assert.deepEqual([head.method, head.target, head.version], ['GET', '/chat?x=%20', '1.1'])
    assert.deepEqual(
      [...head.fields],
      [
        ...['Host', 'example.com', 'Upgrade', 'websocket', 'Connection', 'keep-alive, Upgrade'],
        ...['X-Twice', '1', 'x-TWICE', 'two words', 'X-Empty', ''],
      ],
    )
    const serverSink = new RecordingSink()
    transport.start(serverSink)
    transport.write(Buffer.from('HTTP/1.1 101 Switching Protocols\r\n\r\n'))
    await sink.untilText('101')
    client.write(Buffer.from('frames'))
    await serverSink.untilText('frames')
    transport.end()
    client.end()
    await Promise.all([sink.untilCalled('closed'), serverSink.untilCalled('closed')])
    assert.deepEqual([sink.error, serverSink.error], [undefined, undefined])
  })

  test('keeps the bytes after the head until the transport is started', async (context) => {
    const { handler, open } = await listen(context)
    const { client } = open()
    client.write(Buffer.from(`${handshake}\r\nearly`))
    await handler.untilUpgrade()
    client.write(Buffer.from(' late'))
    const serverSink = new RecordingSink()
    handler.upgrades[0]!.transport.start(serverSink)
    assert.deepEqual(serverSink.calls, [])
    await serverSink.untilText('early late')
  })

  test('passes on a handshake that breaks other rules, for the core to refuse', async (context) => {
    const { handler, open } = await listen(context)
    for (const text of [
      handshake.replace('GET', 'POST'),
      handshake.replace('HTTP/1.1', 'HTTP/1.0'),
      handshake.replace('Host: example.com\r\n', ''),
      `${handshake}Host: other\r\n`,
      `${handshake}Content-Length: 3\r\n`,
      handshake.replace('websocket', 'h2c, WebSocket/13'),
    ]) {
      const upgraded = handler.upgrades.length
      open().client.write(Buffer.from(`${text}\r\n`))
      await new Promise<void>((resolve) => {
        handler.onUpgrade = resolve
      })
      assert.equal(handler.upgrades.length, upgraded + 1)
    }
    for (const { transport } of handler.upgrades) transport.destroy()
  })

  test('survives a reset before the transport is started', async (context) => {
    const { handler, open } = await listen(context)
    const { client } = open()
    client.write(Buffer.from(`${handshake}\r\nearly`))
    await handler.untilUpgrade()
    const { transport } = handler.upgrades[0]!
    transport.write(new Uint8Array(16 << 20))
    client.destroy()
    const serverSink = new RecordingSink()
    await new Promise((resolve) => setImmediate(resolve))
    transport.start(serverSink)
    await serverSink.until(() => serverSink.calls.some((call) => call === 'ended' || call === 'closed'))
  })
}
