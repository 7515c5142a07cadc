import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runInNewContext } from 'node:vm'
import { bytesOf, isBlob } from './message-data.js'

describe('the data of a message', () => {
  it('are the bytes of a buffer or of the range of a view, of any realm', () => {
    const { buffer } = Uint8Array.of(1, 2, 3, 4)
    for (const [data, bytes] of [
      [buffer, [1, 2, 3, 4]],
      [new Uint8Array(buffer, 1, 2), [2, 3]],
      [new DataView(buffer, 3), [4]],
      [Buffer.from('a'), [97]],
      [runInNewContext('Uint8Array.of(5, 6).subarray(1)'), [6]],
      [runInNewContext('Uint8Array.of(5, 6).buffer'), [5, 6]],
      [new ArrayBuffer(0), []],
    ] as const) {
      assert.deepEqual([...bytesOf(data)!], bytes)
    }
  })

  it('are empty if the buffer is detached', () => {
    const bytes = Uint8Array.of(1, 2)
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
    assert.equal(bytesOf(bytes)!.length, 0)
    assert.equal(bytesOf(bytes.buffer)!.length, 0)
  })

  it('are not taken from shared memory or a buffer that can be resized, WebIDL 3.2.26', () => {
    const resizable = Reflect.construct(ArrayBuffer, [2, { maxByteLength: 4 }]) as ArrayBuffer
    for (const data of [new Uint8Array(new SharedArrayBuffer(2)), resizable, new Uint8Array(resizable)]) {
      assert.throws(() => bytesOf(data), TypeError)
    }
  })

  it('are undefined for any other value', () => {
    for (const data of ['text', 5, null, undefined, {}, [1], new SharedArrayBuffer(2), new Blob(['a'])]) {
      assert.equal(bytesOf(data), undefined)
    }
  })

  it('may be a Blob, but not an object that only inherits from one', () => {
    assert.ok(isBlob(new Blob([])))
    for (const data of [Object.create(Blob.prototype), {}, null, 'text']) assert.ok(!isBlob(data))
  })
})
