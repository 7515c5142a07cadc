import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { utf8 } from 'twoway-testing/bytes.js'
import { request, requestLines } from 'twoway-testing/peers/handshake-request.js'
import type { RequestHead } from '../../ports/http-host.js'
import { HandshakeError } from '../errors.js'
import { requestForm } from '../http/head-form.js'
import { HeadParser } from '../http/head-parser.js'
import { serverLimits } from '../limits.js'
import { KnownHeads } from './known-heads.js'
import { RepeatedHead } from './repeated-head.js'
import { checkRequest } from './server-handshake.js'

const keys = ['dGhlIHNhbXBsZSBub25jZQ==', 'x3JJHMbDL1EzLkh9GBhXDw==', 'AQIDBAUGBwgJCgsMDQ4PEA==']

type Changes = NonNullable<Parameters<typeof requestLines>[1]>

function bytesOf(key: string, changes: Changes = {}, startLine?: string): Uint8Array {
  return utf8(request(requestLines(8080, { ...changes, 'Sec-WebSocket-Key': key }), startLine))
}

function parsed(bytes: Uint8Array): RequestHead {
  const parser = new HeadParser(requestForm, serverLimits)
  assert.equal(parser.receive(bytes, 0, bytes.length), bytes.length)
  return parser.head!
}

/** Finds a head, or takes it as an exchange does, as often as it takes to know such heads. */
function repeat(heads: KnownHeads, bytes: Uint8Array, times = 20): void {
  for (let count = 0; count < times; count += 1) {
    if (heads.find(bytes, 0, bytes.length) === undefined) heads.miss(bytes, 0, bytes.length, parsed(bytes))
  }
}

/** All that a server reads of a head, or the code of the rule that it breaks. */
function contents(head: RequestHead): unknown {
  const { method, target, version, fields } = head
  try {
    const { headers, ...offer } = checkRequest(head)
    const read = [
      [...headers],
      headers.get('SEC-websocket-key'),
      headers.all('sec-websocket-key'),
      { ...headers.toJSON() },
    ]
    return { method, target, version, fields, ...offer, read, host: headers.get('host') }
  } catch (error) {
    assert.ok(error instanceof HandshakeError)
    return error.code
  }
}

describe('KnownHeads', () => {
  it('finds a head that differs from earlier ones in its key alone, with the contents that parsing finds', () => {
    for (const changes of [
      {},
      { Origin: 'http://127.0.0.1:8080', 'Sec-WebSocket-Protocol': 'chat, superchat', Expect: '100-continue' },
      { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits', Accept: ['a', 'b'] },
    ]) {
      const heads = new KnownHeads()
      repeat(heads, bytesOf(keys[0]!, changes))
      for (const key of keys) {
        const bytes = Buffer.concat([utf8('before'), bytesOf(key, changes), utf8('behind')])
        const found = heads.find(bytes, 6, bytes.length - 6)
        assert.ok(found instanceof RepeatedHead)
        assert.deepEqual(contents(found), contents(parsed(bytesOf(key, changes))))
      }
    }
  })

  it('keeps copies: the memory that a transport reads into, a Buffer, has the next head later', () => {
    const heads = new KnownHeads()
    const memory = Buffer.alloc(1024)
    const read = (target: string): RequestHead => {
      const head = bytesOf(keys[0]!, {}, `GET ${target} HTTP/1.1`)
      memory.set(head)
      const found = heads.find(memory, 0, head.length)
      if (found === undefined) heads.miss(memory, 0, head.length, parsed(head))
      return found ?? parsed(head)
    }
    for (let count = 0; count < 40; count += 1) {
      const target = `/id/${10 + count}`
      assert.equal(read(target).target, target)
    }
  })

  it('gives each handshake an array of subprotocols of its own', () => {
    const heads = new KnownHeads()
    const bytes = bytesOf(keys[0]!, { 'Sec-WebSocket-Protocol': 'chat, superchat' })
    repeat(heads, bytes)
    const protocols = (): string[] => checkRequest(heads.find(bytes, 0, bytes.length)!).protocols as string[]
    protocols().pop()
    assert.deepEqual(protocols(), ['chat', 'superchat'])
  })

  it('knows which checks an earlier head has passed, until another server makes its own', () => {
    const heads = new KnownHeads()
    const [bytes, other] = ['/a', '/long'].map((target) => bytesOf(keys[0]!, {}, `GET ${target} HTTP/1.1`))
    repeat(heads, bytes!)
    repeat(heads, other!)
    const found = (): RequestHead => heads.find(bytes!, 0, bytes!.length)!
    const [checks, othersChecks] = [{}, {}]
    assert.equal(RepeatedHead.hasPassed(found(), checks), false)
    RepeatedHead.pass(found(), checks)
    assert.equal(RepeatedHead.hasPassed(found(), checks), true)
    assert.equal(RepeatedHead.hasPassed(found(), othersChecks), false)
    assert.equal(RepeatedHead.hasPassed(heads.find(other!, 0, other!.length)!, checks), false)
    RepeatedHead.pass(found(), othersChecks)
    assert.equal(RepeatedHead.hasPassed(found(), checks), false)
    const first = parsed(bytes!)
    RepeatedHead.pass(first, checks)
    assert.equal(RepeatedHead.hasPassed(first, checks), false)
  })

  it('finds no head that differs in any other byte, or whose key is invalid', () => {
    const heads = new KnownHeads()
    const known = bytesOf(keys[0]!)
    repeat(heads, known)
    assert.ok(heads.find(known, 0, known.length) !== undefined)
    const keyAt = Buffer.from(known).indexOf(keys[0]!)
    fc.assert(
      fc.property(fc.nat(known.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = known.slice()
        bytes[at]! ^= change
        const found = heads.find(bytes, 0, bytes.length)
        if (at < keyAt || at >= keyAt + 24) assert.equal(found, undefined)
        else if (found !== undefined) assert.deepEqual(contents(found), contents(parsed(bytes)))
      }),
      { numRuns: 2000 },
    )
    assert.equal(heads.find(known, 0, known.length - 1), undefined)
    assert.equal(heads.find(known, 1, known.length), undefined)
  })

  const notKept: readonly [why: string, bytes: Uint8Array][] = [
    ['has a cookie', bytesOf(keys[0]!, { Cookie: 'id=1' })],
    ['has credentials', bytesOf(keys[0]!, { authorization: 'Basic eA==' })],
    ['has a field that others do not know', bytesOf(keys[0]!, { 'X-Api-Key': 'secret' })],
    ['has a query, as that may hold a token', bytesOf(keys[0]!, {}, 'GET /?token=secret HTTP/1.1')],
    ['has a long subprotocol, as that may be a token', bytesOf(keys[0]!, { 'Sec-WebSocket-Protocol': 'x'.repeat(33) })],
    ['passed a proxy', bytesOf(keys[0]!, { 'X-Forwarded-For': '192.0.2.1' })],
    ['names a whole URL', bytesOf(keys[0]!, { Host: 'a.test' }, 'GET http://a.test/ HTTP/1.1')],
    ['has its key twice', bytesOf(keys[0]!, { 'X-Key': keys[0] })],
    ['is long', bytesOf(keys[0]!, { 'X-Padding': 'x'.repeat(2048) })],
    ['breaks a rule', bytesOf(keys[0]!, { 'Sec-WebSocket-Version': '12' })],
    ['is no handshake', bytesOf(keys[0]!, { Upgrade: 'h2c' })],
  ]
  for (const [why, bytes] of notKept) {
    it(`keeps no head that ${why}`, () => {
      const heads = new KnownHeads()
      repeat(heads, bytes, 100)
      assert.equal(heads.find(bytes, 0, bytes.length), undefined)
    })
  }

  it('keeps the head that came last of those that have one length, and not of all', () => {
    const heads = new KnownHeads()
    const [one, other] = ['/a', '/b'].map((target) => bytesOf(keys[0]!, {}, `GET ${target} HTTP/1.1`))
    const isKnown = (bytes: Uint8Array): boolean => heads.find(bytes, 0, bytes.length) !== undefined
    repeat(heads, one!)
    assert.deepEqual([isKnown(one!), isKnown(other!)], [true, false])
    repeat(heads, other!, 2)
    assert.deepEqual([isKnown(one!), isKnown(other!)], [true, false])
    repeat(heads, other!)
    assert.deepEqual([isKnown(one!), isKnown(other!)], [false, true])
  })

  it('keeps its heads while other requests come that are never kept, of many lengths', () => {
    const heads = new KnownHeads()
    const known = bytesOf(keys[0]!)
    repeat(heads, known)
    for (let length = 0; length < 100; length += 1) {
      const value = 'x'.repeat(length)
      repeat(heads, bytesOf(keys[0]!, { Cookie: value }), 1)
      repeat(heads, utf8(`GET /${value} HTTP/1.1\r\nHost: a\r\n\r\n`), 1)
    }
    assert.ok(heads.find(known, 0, known.length) !== undefined)
  })

  it('keeps heads of at most 16 lengths', () => {
    const heads = new KnownHeads()
    const all = Array.from({ length: 40 }, (_, length) => bytesOf(keys[0]!, {}, `GET /${'x'.repeat(length)} HTTP/1.1`))
    for (const bytes of all) repeat(heads, bytes)
    const known = all.filter((bytes) => heads.find(bytes, 0, bytes.length) !== undefined)
    assert.ok(known.length > 0 && known.length <= 16, `${known.length}`)
    assert.ok(known.includes(all.at(-1)!))
  })
})
