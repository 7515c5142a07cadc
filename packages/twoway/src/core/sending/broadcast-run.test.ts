import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toHex, utf8 } from 'twoway-testing/bytes.js'
import { ConnectionHarness } from 'twoway-testing/harnesses/connection-harness.js'
import { Slow } from 'twoway-testing/harnesses/slow-extension.js'
import { webPayload } from '../../runtimes/web/payload.js'
import { BroadcastMessage } from './broadcast-message.js'
import { BroadcastRun } from './broadcast-run.js'

function runOf(messages: readonly (string | Uint8Array)[], { clock }: ConnectionHarness): BroadcastRun {
  const ports = { payload: webPayload, clock }
  return new BroadcastRun(
    messages.map((message) => new BroadcastMessage(message, ports)),
    webPayload,
  )
}

/** Delivers what a server has written to a client, and returns the client's messages. */
function received({ transport }: ConnectionHarness): string[] {
  const client = new ConnectionHarness({ role: 'client' })
  client.receive(transport.written)
  return client.log
}

describe('BroadcastRun', () => {
  it('is taken as one piece, behind what was sent before and before what follows', () => {
    const server = new ConnectionHarness()
    server.connection.send('first')
    assert.equal(server.connection.sendRun(runOf(['a', utf8('b'), ''], server)), 'sent')
    server.connection.send('last')
    server.clock.runTasks()
    assert.equal(server.transport.writes.length, 1)
    assert.deepEqual(received(server), ['text first', 'text a', `binary ${toHex(utf8('b'))}`, 'text ', 'text last'])
  })

  it('goes out in one write with what was sent before, though it is long, and is not copied', () => {
    const server = new ConnectionHarness()
    const run = runOf(
      Array.from({ length: 100 }, (_, index) => `${index} `.repeat(100)),
      server,
    )
    server.connection.send('first')
    server.connection.sendRun(run)
    server.clock.runTasks()
    assert.equal(server.transport.writes.length, 1)
    assert.equal(received(server).length, 101)
    assert.equal(run.frames, run.frames)
  })

  it('waits behind a message that takes longer', () => {
    const server = new ConnectionHarness()
    const deliver = server.connection.sendLater(2)
    assert.equal(server.connection.sendRun(runOf(['a', 'b'], server)), 'sent')
    server.clock.runTasks()
    assert.equal(server.transport.writes.length, 0)
    deliver(utf8('hi'))
    server.clock.runTasks()
    assert.deepEqual(received(server), [`binary ${toHex(utf8('hi'))}`, 'text a', 'text b'])
  })

  it('is encoded message by message where an extension is in use', () => {
    const extension = new Slow()
    const server = new ConnectionHarness({ extension })
    assert.equal(server.connection.sendRun(runOf(['a', 'longer than ten bytes', 'b'], server)), 'sent')
    server.clock.runTasks()
    assert.equal(toHex(server.transport.written), 'c10161')
    extension.goOn()
    server.clock.runTasks()
    assert.equal(toHex(server.transport.written.subarray(-3)), 'c10162')
    assert.equal(server.transport.written.length, 3 + 2 + 21 + 3)
  })

  it('is refused whole where the buffer is full, and taken whole before', () => {
    const limits = { highWaterMarkBytes: 10, maxBufferedBytes: 100 }
    const server = new ConnectionHarness({ limits, whenBufferFull: 'drop' })
    server.transport.isFull = true
    const run = runOf(['a'.repeat(80), 'b'.repeat(80)], server)
    assert.equal(server.connection.sendRun(run), 'buffered')
    assert.equal(server.connection.sendRun(run), 'dropped')
    server.clock.runTasks()
    assert.equal(received(server).length, 2)
    server.connection.terminate()
    assert.equal(server.connection.sendRun(run), 'closed')
  })
})
