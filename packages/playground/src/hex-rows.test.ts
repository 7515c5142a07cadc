import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexLine, hexRows } from './hex-rows.js'

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at & 0xff)

describe('hexRows', () => {
  it('has no row for empty input', () => assert.deepEqual(hexRows(bytes(0)), []))

  for (const [length, rows] of [
    [1, 1],
    [15, 1],
    [16, 1],
    [17, 2],
    [32, 2],
    [33, 3],
  ] as const) {
    it(`lists each of ${length} bytes once, in rows of one width`, () => {
      const listed = hexRows(bytes(length))
      assert.equal(listed.length, rows)
      assert.ok(listed.every(({ hex }) => hex.length === 47))
      const digits = listed.flatMap(({ hex }) => hex.trim().split(/ /))
      assert.deepEqual(
        digits.map((digit) => Number.parseInt(digit, 16)),
        [...bytes(length)],
      )
      assert.equal(listed.map(({ ascii }) => ascii).join('').length, length)
    })
  }

  it('counts its offsets in base 16', () => {
    assert.deepEqual(
      hexRows(bytes(40), 8).map(({ offset }) => offset),
      ['00000000', '00000008', '00000010', '00000018', '00000020'],
    )
  })

  it('shows printable ASCII, and a dot for the rest', () => {
    assert.equal(hexRows(Uint8Array.of(0x1f, 0x20, 0x41, 0x7e, 0x7f, 0xff))[0]!.ascii, '. A~..')
  })
})

describe('hexLine', () => {
  it('marks bytes that it does not show', () => {
    assert.equal(hexLine(bytes(3), 3), '00 01 02')
    assert.equal(hexLine(bytes(4), 3), '00 01 02 …')
    assert.equal(hexLine(bytes(0)), '')
  })
})
