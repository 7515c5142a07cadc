import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decode, encode } from './envelope.js'

function through(message: unknown): unknown {
  return decode(encode('node', 1, message))?.open()
}

describe('the envelope of messages between adapters', () => {
  it('has the sender, the number and the receiver', () => {
    const { sender, number, receiver } = decode(encode('node', 12, null, 'other'))!
    assert.deepEqual([sender, number, receiver], ['node', 12, 'other'])
    assert.equal(decode(encode('node', 12, null))!.receiver, undefined)
  })

  it('keeps any JSON as text', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.equal(typeof encode('node', 1, value), 'string')
        assert.deepEqual(through(value), JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('keeps bytes at any depth, as Buffers, beside values of any form', () => {
    const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array))
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        bytes,
        fc.jsonValue({ maxDepth: 0 }),
        fc.constant({ _placeholder: true, num: 0 }),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), tie('value'), {
          maxKeys: 4,
          noNullPrototype: true,
        }),
      ),
    }))
    fc.assert(
      fc.property(fc.array(value), (message) => {
        const before = structuredClone(message)
        const again = through(message)
        assert.deepEqual(again, withoutNegativeZero(message))
        assert.deepEqual(structuredClone(message), before)
      }),
    )
  })

  it('takes each kind of bytes, and the bytes that toJSON returns', () => {
    const words = Uint16Array.of(0x0201)
    const message = [words, words.buffer, new DataView(words.buffer, 1), { toJSON: () => [Uint8Array.of(3)] }]
    assert.deepEqual(through(message), [Buffer.of(1, 2), Buffer.of(1, 2), Buffer.of(2), [Buffer.of(3)]])
    assert.deepEqual(through(Uint8Array.of(1)), Buffer.of(1))
  })

  it('copies the bytes, as a broker may use its buffer again', () => {
    const encoded = encode('node', 1, [Uint8Array.of(1)]) as Uint8Array
    const opened = decode(encoded)!.open() as [Buffer]
    encoded.fill(0)
    assert.deepEqual([...opened[0]], [1])
  })

  it('refuses contents that are none, and opens no text that is no JSON', () => {
    for (const content of ['', 'x', '\n{}', 'a b\n{}', 'a 1\n{}', Uint8Array.of(), Uint8Array.of(0, 0, 0, 9, 1)]) {
      assert.equal(decode(content), undefined)
    }
    assert.equal(decode('a 1 \n{')!.open(), undefined)
  })
})

/** JSON has no negative zero. */
function withoutNegativeZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (Array.isArray(value)) return value.map(withoutNegativeZero)
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value
  const copy = {}
  for (const [key, item] of Object.entries(value)) {
    Object.defineProperty(copy, key, {
      value: withoutNegativeZero(item),
      enumerable: true,
      writable: true,
      configurable: true,
    })
  }
  return copy
}
