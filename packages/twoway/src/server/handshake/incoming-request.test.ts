import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { IncomingRequest } from './incoming-request.js'

function urlOf(target: string, host: string | undefined, scheme: 'ws' | 'http' = 'ws', encrypted = false): string {
  const fields = host === undefined ? [] : ['Host', host]
  const head = { method: 'GET', target, version: '1.1', fields }
  return new IncomingRequest(head, { address: undefined, encrypted }, scheme).url
}

describe('IncomingRequest.url', () => {
  it('is the whole URL, as the client says', () => {
    assert.equal(urlOf('/chat?room=1', 'localhost:8080'), 'ws://localhost:8080/chat?room=1')
    assert.equal(urlOf('/', 'example.com', 'http', true), 'https://example.com/')
    assert.equal(urlOf('http://example.com/a?b', 'example.com', 'http'), 'http://example.com/a?b')
    assert.equal(urlOf('*', 'example.com', 'http'), 'http://example.com/')
  })

  it('can be parsed whatever the client says', () => {
    for (const host of [undefined, '', ':', 'a:99999', 'a%00', '256.256.256.256', '[::1', 'a b', 'xn--a', 'a/b']) {
      for (const target of ['/', '//', '/%', '?', '', '*', 'a:1', 'http://', 'http:///x', '/\u00ff']) {
        assert.ok(URL.canParse(urlOf(target, host)), `${target} of ${host}`)
      }
    }
    assert.equal(urlOf('/x?y', 'a:99999'), 'ws://unknown.invalid/x?y')
  })

  it('has the path of the request, and no Host can put another before it', () => {
    for (const host of ['a/health', 'a/?', 'a#', 'a\\health', 'user@a', 'a?b', '//a']) {
      const { hostname, pathname, search } = new URL(urlOf('/x?y', host, 'http'))
      assert.deepEqual([hostname, pathname, search], ['unknown.invalid', '/x', '?y'], host)
    }
  })
})
