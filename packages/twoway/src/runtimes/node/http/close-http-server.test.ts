import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { it } from 'node:test'
import { closeHttpServer } from './close-http-server.js'

it('closeHttpServer answers the first request of a connection that was accepted before, and then closes it', async () => {
  const server = createServer((_, response) => response.end('answered')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(server, 'connection')
  const closed = closeHttpServer(server)
  // Node's own check of idle connections, and ours, would come before the request.
  await new Promise((resolve) => setTimeout(resolve, 100))
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const [answer] = await once(socket, 'data')
  assert.match(String(answer), /^HTTP\/1\.1 200 /)
  await Promise.all([once(socket, 'close'), closed])
  assert.equal(Object.hasOwn(server, 'closeIdleConnections'), false)
})
