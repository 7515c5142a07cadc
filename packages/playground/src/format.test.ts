import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatCount, formatDuration, formatSize, formatTime } from './format.js'

describe('formatSize', () => {
  for (const [bytes, text] of [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [65_536, '65.5 kB'],
    [512_000, '512 kB'],
    [10_000_000, '10 MB'],
    [16_777_216, '16.8 MB'],
    [2_500_000_000, '2.5 GB'],
    [7_000_000_000_000, '7000 GB'],
  ] as const) {
    it(`says ${text} for ${bytes}`, () => assert.equal(formatSize(bytes), text))
  }
})

it('formatDuration tells milliseconds from seconds', () => {
  const texts = [0, 0.1234, 9.96, 12.3, 99.4, 123.4, 999.4, 1000, 12_345].map(formatDuration)
  assert.deepEqual(texts, ['0 ms', '0.12 ms', '10 ms', '12 ms', '99 ms', '123 ms', '999 ms', '1 s', '12.3 s'])
})

it('formatTime has two digits per field and milliseconds', () => {
  assert.equal(formatTime(new Date(2026, 0, 2, 3, 4, 5, 6).getTime()), '03:04:05.006')
})

it('formatCount separates the thousands', () => {
  assert.deepEqual([formatCount(512_000, 'en'), formatCount(512_000, 'zh')], ['512,000', '512,000'])
})
