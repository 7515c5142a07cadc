import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeContent, isContent, splitContent, traceOf, withTrace } from '../topics/content.js'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const contents = {
  text: encodeContent({ from: 'ann', key: 'k' }, { traceparent: 'of the data', text: 'hi' }),
  'text of the server': encodeContent({}, 'hi'),
  bytes: encodeContent({ from: 'änn' }, Uint8Array.of(1, 2, 3)),
  'bytes of the server': encodeContent({}, Uint8Array.of(1, 2, 3)),
}

describe('a trace context in a message', () => {
  for (const [name, content] of Object.entries(contents)) {
    it(`comes back, and clients get the same ${name} as without it`, () => {
      for (const tracestate of [undefined, 'vendor=1,other="a\\b"']) {
        const traced = withTrace(content, { traceparent, tracestate })
        assert.deepEqual(traceOf(traced), { traceparent, tracestate })
        assert.deepEqual(splitContent(traced), splitContent(content))
        assert.ok(isContent(traced), 'a hub accepts it')
      }
      assert.equal(traceOf(content), undefined)
      assert.equal(withTrace(content, {}), content)
    })
  }

  it('is left out if it breaks a rule of W3C Trace Context, §3.2', () => {
    const { text } = contents
    for (const wrong of [
      '',
      traceparent.toUpperCase(),
      `${traceparent}-`,
      traceparent.replace('00-', 'ff-'),
      traceparent.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32)),
      traceparent.replace('b7ad6b7169203331', '0'.repeat(16)),
    ]) {
      assert.equal(withTrace(text, { traceparent: wrong }), text)
    }
    for (const tracestate of ['', 'a=\n', 'ä=1', 'x'.repeat(513)]) {
      assert.deepEqual(traceOf(withTrace(text, { traceparent, tracestate })), { traceparent, tracestate: undefined })
    }
  })

  it('is left out before bytes whose heading has no room for it', () => {
    const content = encodeContent({ from: 'x'.repeat(0xffff - 30) }, Uint8Array.of(1))
    assert.equal(withTrace(content, { traceparent }), content)
  })
})
