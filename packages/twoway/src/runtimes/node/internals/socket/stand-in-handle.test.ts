import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { RecordingSink } from 'twoway-testing/harnesses/recording-sink.js'
import { chooseTransport, type NodeTransport } from '../../transport/choose-transport.js'
import { hasHandles, tryHandles } from '../handle-trial.js'

await tryHandles()

interface Taken {
  readonly socket: Socket
  readonly peer: Socket
  readonly transport: NodeTransport
  readonly sink: RecordingSink
}

type Private = { _onTimeout(): void }

for (const freesSocket of [false, true]) {
  const what = freesSocket ? 'the socket in place of a freed one' : 'a socket'

  async function taken(context: TestContext, path?: string): Promise<Taken> {
    const server = createServer({ allowHalfOpen: true })
    await new Promise<void>((resolve) => {
      if (path === undefined) server.listen(0, '127.0.0.1', resolve)
      else server.listen(path, resolve)
    })
    const address = server.address()
    const peer = typeof address === 'string' ? connect(address) : connect(address!.port, '127.0.0.1')
    peer.on('error', () => {})
    const [[accepted]] = (await Promise.all([once(server, 'connection'), once(peer, 'connect')])) as [[Socket], unknown]
    const transport = chooseTransport(accepted, { freesSocket })
    const socket = transport.stream as Socket
    assert.equal(socket === accepted, !freesSocket)
    assert.equal(transport.path, 'handle')
    const sink = new RecordingSink()
    transport.start(sink)
    context.after(() => {
      peer.destroy()
      transport.destroy()
      server.close()
    })
    return { socket, peer, transport, sink }
  }

  describe(`${what} whose handle a transport has taken`, { skip: !hasHandles() }, () => {
    it('knows its addresses and takes options', async (context) => {
      const { socket, peer } = await taken(context)
      assert.equal(socket.remoteAddress, '127.0.0.1')
      assert.equal(socket.remotePort, peer.localPort)
      assert.equal(socket.localPort, peer.remotePort)
      assert.deepEqual(socket.address(), { address: '127.0.0.1', family: 'IPv4', port: peer.remotePort })
      assert.equal(socket.setNoDelay(false).setKeepAlive(true, 1000).unref().ref(), socket)
      assert.equal(socket.readyState, 'open')
    })

    it('does so over a pipe as far as a pipe has them', async (context) => {
      const path =
        process.platform === 'win32' ? '\\\\.\\pipe\\twoway-stand-in' : join(tmpdir(), `twoway-${process.pid}.sock`)
      const { socket } = await taken(context, path)
      assert.equal(socket.remoteAddress, undefined)
      assert.equal(socket.setNoDelay(true).setKeepAlive(true).unref().ref(), socket)
    })

    it('writes texts and bytes in order with the transport, and calls back', async (context) => {
      const { socket, peer, transport } = await taken(context)
      let text = ''
      peer.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk
      })
      transport.write(Buffer.from('1'))
      await new Promise<void>((resolve) => socket.write('2', () => resolve()))
      socket.write('\xe9', 'latin1')
      socket.write('é')
      socket.write('3', 'ascii')
      socket.write('4', 'utf16le')
      socket.write('NQ==', 'base64')
      socket.cork()
      socket.write('6')
      socket.write(Buffer.from('7'))
      socket.uncork()
      socket.cork()
      socket.write(Buffer.from('8'))
      socket.write(Buffer.from('9'))
      socket.uncork()
      await new Promise(setImmediate)
      transport.write(Buffer.from('.'))
      transport.end()
      await once(peer, 'end')
      assert.equal(text, '12\xe9\xc3\xa934\x0056789.')
      assert.ok(socket.bytesWritten >= text.length)
    })

    it('keeps bytes that the caller changes once it was called back', async (context) => {
      const { socket, peer, transport } = await taken(context)
      peer.pause()
      // The kernel takes no more, so what the socket writes has to wait.
      transport.write(Buffer.alloc(64 << 20))
      const bytes = Buffer.from('unchanged')
      await new Promise<void>((resolve) => socket.write(bytes, () => resolve()))
      bytes.fill(0)
      transport.end()
      let last = Buffer.alloc(0)
      peer.on('data', (chunk: Buffer) => {
        last = Buffer.from(Buffer.concat([last, chunk]).subarray(-9))
      })
      peer.resume()
      await once(peer, 'end')
      assert.equal(last.toString(), 'unchanged')
    })

    it('does not read, and emits the end of the peer and its own', async (context) => {
      const { socket, peer, transport, sink } = await taken(context)
      const ended = once(socket, 'end')
      socket.on('data', () => assert.fail('the transport reads'))
      peer.write('for the transport')
      await sink.untilText('for the transport')
      peer.end()
      await ended
      const finished = once(socket, 'finish')
      const closed = once(socket, 'close')
      transport.end()
      await finished
      await closed
      assert.equal(sink.error, undefined)
    })

    it('ends the transport by its own end', async (context) => {
      const { socket, peer } = await taken(context)
      peer.resume()
      socket.end('last')
      await once(peer, 'end')
    })

    it('is destroyed with the error of the transport if the program listens for errors', async (context) => {
      const { socket, peer } = await taken(context)
      const failed = once(socket, 'error')
      peer.resetAndDestroy()
      const { 0: error } = (await failed) as [NodeJS.ErrnoException]
      assert.equal(error.code, 'ECONNRESET')
      assert.equal(socket.destroyed, true)
    })

    it('resets the connection by resetAndDestroy', async (context) => {
      const { socket, peer, sink } = await taken(context)
      const failed = once(peer, 'error')
      socket.resetAndDestroy()
      assert.equal(((await failed) as [NodeJS.ErrnoException])[0].code, 'ECONNRESET')
      await sink.untilCalled('closed')
    })

    it('emits close once when it is destroyed, also after the transport', async (context) => {
      for (const first of ['socket', 'transport'] as const) {
        const { socket, transport, sink } = await taken(context)
        let closes = 0
        socket.on('close', () => {
          closes += 1
        })
        const all = { socket, transport }
        all[first].destroy()
        await sink.untilCalled('closed')
        socket.destroy()
        transport.destroy()
        await new Promise(setImmediate)
        await new Promise(setImmediate)
        assert.equal(closes, 1)
      }
    })

    it('passes pause and resume on', async (context) => {
      const { socket, transport } = await taken(context)
      const log: string[] = []
      transport.controlledBy({
        flush: () => log.push('flush'),
        pause: () => log.push('pause'),
        resume: () => log.push('resume'),
      })
      assert.equal(socket.pause(), socket)
      assert.equal(socket.isPaused(), true)
      assert.equal(socket.resume().isPaused(), false)
      assert.deepEqual(log, ['pause', 'resume'])
    })

    it('counts the bytes of the transport against its timeout', async (context) => {
      const { socket, peer, sink } = await taken(context)
      let timeouts = 0
      socket.setTimeout(1_000_000).on('timeout', () => {
        timeouts += 1
      })
      const expire = (): void => (socket as unknown as Private)._onTimeout()
      peer.write('a')
      await sink.untilText('a')
      expire()
      assert.equal(timeouts, 0)
      expire()
      expire()
      assert.equal(timeouts, 1)
      peer.write('b')
      await sink.untilText('ab')
      expire()
      expire()
      assert.equal(timeouts, 2)
      socket.setTimeout(0)
    })
  })
}
