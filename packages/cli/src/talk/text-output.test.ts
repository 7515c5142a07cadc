import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { TextOutput } from './text-output.js'

/** A stream whose reader takes a piece at each call of `take`. */
function slowStream(): { readonly stream: Writable; take(): void } {
  const waiting: (() => void)[] = []
  const stream = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => void waiting.push(done),
  })
  return { stream, take: () => waiting.shift()?.() }
}

/** A stream like `process.stdout` whose reader has gone: each write fails, and the stream is never destroyed. */
class BrokenOutput extends Writable {
  override _write(_chunk: unknown, _encoding: BufferEncoding, done: (error: Error) => void): void {
    done(Object.assign(new Error('broken pipe'), { code: 'EPIPE' }))
  }

  override destroy(error?: Error): this {
    this.emit('error', error)
    this.emit('close')
    return this
  }
}

describe('the output of a command', () => {
  it('adds no listener per write that waits for a slow reader, and resolves them all when there is room', async () => {
    const { stream, take } = slowStream()
    const output = new TextOutput(stream)
    const before = stream.eventNames().map((name) => stream.listenerCount(name))
    const waiting = Array.from({ length: 100 }, () => output.write('line\n'))
    assert.deepEqual(
      stream.eventNames().map((name) => stream.listenerCount(name)),
      before,
    )
    for (const promise of waiting) assert.ok(promise instanceof Promise)
    const done = Promise.all(waiting)
    const taking = setInterval(take)
    await done
    clearInterval(taking)
    assert.ok(output.write('more') instanceof Promise)
  })

  it('resolves waiting writes when the reader has gone, and ignores later ones', async () => {
    const { stream } = slowStream()
    const output = new TextOutput(stream)
    const waiting = output.write('line\n')
    stream.destroy(Object.assign(new Error('broken pipe'), { code: 'EPIPE' }))
    await waiting
    await output.gone
    assert.equal(output.write('line\n'), undefined)
  })

  it('waits for no reader that has gone, though the stream still takes writes', async () => {
    const stream = new BrokenOutput().on('error', () => {})
    const output = new TextOutput(stream)
    await output.write('line\n')
    await output.gone
    assert.equal(stream.destroyed, false)
    assert.equal(output.write('line\n'), undefined)
  })
})
