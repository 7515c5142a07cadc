import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import net, { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { test } from 'node:test'
import { canConnectHandle, connectHandle } from './connect-handle.js'
import { hasHandles, tryHandles } from './handle-trial.js'
import type { StreamHandle } from './stream-handle.js'

const address = '127.0.0.1'

await tryHandles()

/** No server listens on this port. */
const refusing = 1

function outcomeOf(port: number): Promise<StreamHandle | Error> {
  return new Promise((resolve) => {
    connectHandle(address, port, { connected: resolve, failed: resolve })
  })
}

test('connects to a listening server', { skip: !hasHandles() }, async (context) => {
  const server = createServer().listen(0, address)
  await once(server, 'listening')
  context.after(() => server.close())
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const { port } = server.address() as AddressInfo
  const handle = (await outcomeOf(port)) as StreamHandle
  const name: { address?: string; port?: number } = {}
  assert.equal(handle.getpeername!(name), 0)
  assert.deepEqual([name.address, name.port], [address, port])
  const [socket] = await accepted
  const closed = once(socket.resume(), 'close')
  handle.close(() => undefined)
  await closed
})

test("fails with the error of Node's sockets, in a later turn", { skip: !hasHandles() }, async () => {
  const failed = outcomeOf(refusing)
  const [expected] = (await once(connect(refusing, address), 'error').catch((error: Error) => [error])) as [Error]
  const error = (await failed) as Error
  assert.equal(error.message, expected.message)
  assert.deepEqual({ ...error }, { ...expected })
})

test('tells nothing of an attempt that was given up', { skip: !hasHandles() }, async (context) => {
  const server = createServer().listen(0, address)
  await once(server, 'listening')
  context.after(() => server.close())
  const tell = (): void => assert.fail('an event')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const { port } = server.address() as AddressInfo
  connectHandle(address, port, { connected: tell, failed: tell })()
  connectHandle(address, refusing, { connected: tell, failed: tell })()
  // On loopback the system connects within the call.
  const [socket] = await accepted
  await once(socket.resume(), 'close')
})

test('leaves to a socket what needs one', () => {
  assert.equal(canConnectHandle(address, 80), true)
  for (const host of ['localhost', '::1', 'example.com', '127.1', '']) assert.equal(canConnectHandle(host, 80), false)
  assert.equal(canConnectHandle(address, 70_000), false)
})

test('leaves connections to sockets where other code has to see them', () => {
  const listener = (): void => undefined
  subscribe('net.client.socket', listener)
  assert.equal(canConnectHandle(address, 80), false)
  unsubscribe('net.client.socket', listener)
  const { connect: own } = net
  net.connect = ((...given: never[]) => Reflect.apply(own, net, given)) as typeof own
  syncBuiltinESMExports()
  try {
    assert.equal(canConnectHandle(address, 80), false)
  } finally {
    net.connect = own
    syncBuiltinESMExports()
  }
  const { connect: ordinary } = Socket.prototype
  Socket.prototype.connect = function (this: Socket, ...given: never[]): Socket {
    return Reflect.apply(ordinary, this, given)
  } as typeof ordinary
  try {
    assert.equal(canConnectHandle(address, 80), false)
  } finally {
    Socket.prototype.connect = ordinary
  }
  assert.equal(canConnectHandle(address, 80), true)
})
