import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { ProxyHeaders } from './read-proxy-header.js'

function setUp(isTcp: boolean) {
  const log: string[] = []
  const clock = new FakeClock()
  const headers = new ProxyHeaders(
    {
      isTcp: () => isTcp,
      trusts: () => false,
      timeMs: 1000,
      handler: { dropped: (reason) => log.push(reason), failed: ({ message }) => log.push(message) },
      announced: () => assert.fail('announced'),
    },
    clock,
  )
  return { headers, clock, log }
}

describe('the reader of PROXY headers', () => {
  it('drops a TCP peer that has already reset, and thus has no address, without a report', () => {
    const { headers, log } = setUp(true)
    const socket = new Socket()
    headers.read(socket)
    assert.equal(socket.destroyed, true)
    assert.deepEqual(log, [])
  })

  it('counts each stranger, and reports one a minute', () => {
    const { headers, clock, log } = setUp(false)
    const report =
      'a connection from a Unix socket was ended, as trustedProxies does not name the peer; metrics().refusals counts further ones'
    headers.read(new Socket())
    assert.match(log.splice(0).join(), new RegExp(`^proxyNotTrusted,${report.replace(/[().]/g, '.')}`, 'i'))
    headers.read(new Socket())
    clock.advance(59_999)
    headers.read(new Socket())
    assert.deepEqual(log.splice(0), ['proxyNotTrusted', 'proxyNotTrusted'])
    clock.advance(1)
    headers.read(new Socket())
    assert.equal(log.length, 2)
  })
})
