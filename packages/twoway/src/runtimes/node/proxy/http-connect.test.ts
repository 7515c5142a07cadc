import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { inEveryCut } from 'twoway-testing/cuts.js'
import { TransportError } from '../../../core/errors.js'
import { HttpConnect } from './http-connect.js'

const target = { host: 'a.example', port: 8443 }
const credentials = { user: 'usér', password: 'pass:word' }

function asked(host: string, given: typeof credentials | undefined): string {
  let text = ''
  new HttpConnect({ host, port: 8443 }, given, (bytes) => {
    text += Buffer.from(bytes).toString('latin1')
  })
  return text
}

/** The outcome of a proxy's answer, in every cut: the bytes behind its head, or the error. */
function answered(answer: string, expected: string | RegExp, given: typeof credentials | undefined = undefined): void {
  inEveryCut(Buffer.from(answer, 'latin1'), (feed) => {
    const dialogue = new HttpConnect(target, given, () => {})
    let rest = ''
    const read = (): void =>
      feed((piece) => {
        const end = dialogue.receive(piece, 0, piece.length)
        rest += Buffer.from(piece.subarray(end)).toString('latin1')
      })
    if (typeof expected !== 'string') {
      assert.throws(read, (error) => error instanceof TransportError && expected.test(error.message), answer)
      return
    }
    read()
    assert.deepEqual([rest, dialogue.isDone], [expected, true])
  })
}

test('asks for host and port, with credentials where there are any, RFC 9110 §9.3.6, §11.7.2', () => {
  assert.equal(asked('a.example', undefined), 'CONNECT a.example:8443 HTTP/1.1\r\nHost: a.example:8443\r\n\r\n')
  const basic = Buffer.from('usér:pass:word').toString('base64')
  assert.equal(
    asked('::1', credentials),
    `CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\nProxy-Authorization: Basic ${basic}\r\n\r\n`,
  )
})

test('reads up to the end of the head, and takes any 2xx, without a body', () => {
  answered('HTTP/1.1 200 OK\r\n\r\nrest', 'rest')
  answered('HTTP/1.0 200\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nrest', 'rest')
  answered('HTTP/1.1 299 x\r\n\r\n', '')
})

test('passes over interim answers', () => {
  answered('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nrest', 'rest')
})

test('says in words why the proxy refused', () => {
  answered('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', /asks for a user and a password.*\(407 Proxy/)
  answered('HTTP/1.1 407 x\r\n\r\n', /does not take the user and password given/, credentials)
  answered('HTTP/1.1 403 Forbidden\r\n\r\n', /forbids that target \(403 Forbidden\)/)
  answered('HTTP/1.1 405 x\r\n\r\n', /takes no CONNECT/)
  answered('HTTP/1.1 502 x\r\n\r\n', /could not reach the target/)
  answered('HTTP/1.1 504 x\r\n\r\n', /did not answer it in time/)
  answered('HTTP/1.1 418 Teapot\r\n\r\n', /it refused \(418 Teapot\)/)
  answered('HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n', /it refused \(302 Found\)/)
})

test('keeps to the limits of a head', () => {
  answered(`HTTP/1.1 200 OK\r\nX: ${'a'.repeat(65 << 10)}`, /head of its answer is too long/)
  answered(`HTTP/1.1 200 OK\r\n${'X: a\r\n'.repeat(1001)}`, /head of its answer is too long/)
  answered('HTTP/1.1 100 Continue\r\n\r\n'.repeat(3000), /head of its answer is too long/)
})

test('throws only TransportError whatever comes', () => {
  answered('SSH-2.0-OpenSSH\r\n', /its answer is not HTTP/)
  answered('\u0005\u0000', /its answer is not HTTP/)
  const property = fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (bytes, isBegun) => {
    const dialogue = new HttpConnect(target, undefined, () => {})
    const all = isBegun ? Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n'), bytes]) : bytes
    try {
      dialogue.receive(all, 0, all.length)
    } catch (error) {
      assert.ok(error instanceof TransportError, String(error))
    }
  })
  fc.assert(property, { numRuns: 500 })
})

test('names the schemes that a proxy demands where Basic is none of them, RFC 9110 §11.7.1', () => {
  for (const [fields, expected] of [
    ['Proxy-Authenticate: NTLM', /by NTLM, of which this side speaks none: only Basic \(407/],
    ['Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM', /by Negotiate, NTLM, of which/],
    ['Proxy-Authenticate: Digest realm="a, Basic b", qop="auth"', /by Digest, of which/],
    ['Proxy-Authenticate: Negotiate, Digest realm=x', /by Negotiate, Digest, of which/],
    ['Proxy-Authenticate: NTLM, Basic realm="x"', /does not take the user and password given/],
    ['Proxy-Authenticate: basic', /does not take the user and password given/],
    ['X: y', /does not take the user and password given/],
  ] as const) {
    answered(`HTTP/1.1 407 Authenticate\r\n${fields}\r\n\r\n`, expected, credentials)
  }
})
