import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { TransportError } from '../../core/errors.js'
import { serve } from '../../entries/server.js'
import type { ServeOptions } from '../handler-types.js'
import type { Observer } from '../observing/observer.js'
import type { ServerSettings } from '../server-settings.js'
import type { Server } from '../server-types.js'
import { HandlerCalls } from './handler-calls.js'
import type { ServerConnection } from './server-connection.js'

/** Runs with the server after a client has reset its connection. */
async function withReset(options: ServeOptions<undefined>, check: (server: Server) => unknown): Promise<void> {
  let closed: () => void
  const isClosed = new Promise<void>((resolve) => {
    closed = resolve
  })
  const server = await serve({ ...options, port: 0, host: '127.0.0.1', close: () => closed() })
  const peer: Socket = connect(server.port, '127.0.0.1')
  peer.write(handshakeRequest())
  await once(peer, 'data')
  peer.resetAndDestroy()
  await isClosed
  try {
    await check(server)
  } finally {
    await server.close()
  }
}

function assertReset(error: unknown): void {
  assert.ok(error instanceof TransportError)
  assert.deepEqual(error.toJSON(), {
    name: 'TransportError',
    code: 'connectionFailed',
    message: 'the peer has reset the connection',
  })
  assert.equal((error.cause as NodeJS.ErrnoException).code, 'ECONNRESET')
}

describe('a connection that the peer resets', () => {
  it('is counted, whether or not code sees its error', async () => {
    for (const options of [{}, { error: () => {} }]) {
      await withReset(options, (server) => assert.deepEqual(server.metrics().errors, { connectionFailed: 1 }))
    }
  })

  it('gives its error to the handler', async () => {
    const errors: unknown[] = []
    await withReset({ error: (_, error) => errors.push(error) }, () => assert.equal(errors.length, 1))
    assertReset(errors[0])
  })

  it('gives its error to a subscriber of the channel', async () => {
    const messages: { readonly error: unknown; readonly fault: string }[] = []
    const onMessage = (message: unknown): unknown => messages.push(message as (typeof messages)[number])
    subscribe('twoway:error', onMessage)
    try {
      await withReset({}, () => assert.equal(messages.length, 1))
    } finally {
      unsubscribe('twoway:error', onMessage)
    }
    assertReset(messages[0]!.error)
    assert.equal(messages[0]!.fault, 'network')
  })

  it('makes no error that no code sees', () => {
    let losses = 0
    const observer = { watchesErrors: false, countLoss: () => (losses += 1) } as unknown as Observer
    const settings = { handlers: {} } as ServerSettings<undefined>
    const calls = new HandlerCalls(settings, observer, () => {})
    calls.lost({ isPiped: false } as ServerConnection<undefined>, () => assert.fail('it is made'))
    assert.equal(losses, 1)
  })
})
