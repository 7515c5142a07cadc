import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpResponse } from '../../../../twoway/dist/ports/http-host.js'
import { handshake, type Listen } from './listening-host.js'

/** The requests that a host lets its handler answer. */
export function requestRules(listen: Listen, encrypted: boolean): void {
  test('answers a request with status, fields, length and body, and closes', async (context) => {
    const { handler, open } = await listen(context)
    const response = await open().exchange('GET /page HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(response.status, 200)
    assert.equal(response.fields.get('x-a'), 'b')
    assert.equal(response.fields.get('content-length'), '6')
    assert.equal(response.body.toString('utf8'), 'héllo')
    const { head, peer } = handler.requests[0]!
    assert.deepEqual([head.method, head.target, head.version], ['GET', '/page', '1.1'])
    assert.equal(peer.encrypted, encrypted)
  })

  test('answers a request with a body later, with bytes', async (context) => {
    const { handler, open } = await listen(context)
    handler.answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      return { status: 404, fields: [], body: Uint8Array.of(1, 2, 255) }
    }
    const response = await open().exchange('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody')
    assert.equal(response.status, 404)
    assert.deepEqual([...response.body], [1, 2, 255])
  })

  test('treats a request that offers another protocol as an ordinary one, RFC 9110 §7.8', async (context) => {
    const { handler, open } = await listen(context)
    for (const method of ['GET', 'POST', 'HEAD']) {
      const request = handshake.replace('websocket', 'h2c').replace('GET', method)
      const response = await open().exchange(`${request}\r\n`)
      assert.equal(response.status, 200)
      assert.equal(response.body.toString('utf8'), method === 'HEAD' ? '' : 'héllo')
    }
    assert.equal(handler.upgrades.length, 0)
  })

  test('answers HEAD with the length and without the body, RFC 9110 §9.3.2', async (context) => {
    const { open } = await listen(context)
    const response = await open().exchange('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(response.fields.get('content-length'), '6')
    assert.equal(response.body.length, 0)
  })

  test('answers only the first request of a connection', async (context) => {
    const { handler, open } = await listen(context)
    const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
    const response = await open().exchange(request.repeat(3))
    assert.equal(response.body.toString('utf8'), 'héllo')
    assert.equal(handler.requests.length, 1)
  })

  test('answers 500 if the handler throws, rejects or returns an invalid answer', async (context) => {
    const { handler, open } = await listen(context)
    for (const answer of [
      () => {
        throw new Error('thrown')
      },
      () => Promise.reject(new Error('rejected')),
      () => ({ status: 99, fields: [], body: '' }),
      () => ({ status: 200, fields: ['X-A', 'b\r\nX-Injected: c'], body: '' }),
      () => ({ status: 200, fields: ['Content-Length', '1000'], body: '' }),
      () => undefined as unknown as HttpResponse,
    ]) {
      handler.answer = answer
      const response = await open().exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      assert.equal(response.status, 500)
      assert.match(response.body.toString(), /failed to answer/)
    }
  })

  test('survives a client that disconnects before its answer', async (context) => {
    const { handler, open } = await listen(context)
    const { client } = open()
    const asked = new Promise<void>((resolve) => {
      handler.answer = async () => {
        resolve()
        await new Promise((done) => setTimeout(done, 20))
        return { status: 200, fields: [], body: 'x'.repeat(100_000) }
      }
    })
    client.write(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
    await asked
    client.destroy()
    await new Promise((resolve) => setTimeout(resolve, 40))
    handler.answer = () => ({ status: 200, fields: [], body: 'alive' })
    assert.equal((await open().exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).body.toString(), 'alive')
  })
}
