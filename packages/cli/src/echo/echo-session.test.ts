import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerSocket } from 'twoway/server'
import { EchoSession } from './echo-session.js'
import type { EchoSettings } from './echo-settings.js'
import { HeldBytes } from './held-bytes.js'
import { bytesPerFrame } from './work-turns.js'

/** A connection that keeps what is sent, and turns that keep what is taken. */
class Stage {
  readonly held = new HeldBytes()
  readonly sent: string[] = []
  readonly taken: number[] = []
  pings = 0
  isPaused = false
  bufferedAmount = 0
  /** The promise that a turn waits for. */
  gate: Promise<void> | undefined
  readonly #session: EchoSession

  constructor(settings: EchoSettings) {
    const take = async (bytes: number, signal: AbortSignal): Promise<void> => {
      await this.gate
      signal.throwIfAborted()
      this.taken.push(bytes)
    }
    this.#session = new EchoSession(settings, this.held, { take })
  }

  #socket(): ServerSocket<unknown> {
    return this as unknown as ServerSocket<unknown>
  }

  open(): void {
    this.#session.open(this.#socket())
  }

  message(message: string | Uint8Array): void {
    this.#session.message(this.#socket(), message)
  }

  end(): void {
    this.#session.close()
  }

  send(message: string): 'sent' {
    this.sent.push(message)
    return 'sent'
  }

  async sendStream(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const piece of pieces) this.sent.push(String(piece.length))
  }

  ping(): void {
    this.pings += 1
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  get sum(): number {
    return this.taken.reduce((one, other) => one + other, 0)
  }

  /** Resolves when so many turns were taken. */
  async turns(count: number): Promise<void> {
    while (this.taken.length < count) await sleep(1)
  }
}

describe('a connection with settings takes from the turns', () => {
  it('the bytes of an echo and those of its frame', async () => {
    const stage = new Stage({})
    stage.message('äbc')
    await stage.turns(1)
    stage.message(new Uint8Array(1000))
    await stage.turns(2)
    assert.deepEqual(stage.taken, [4 + bytesPerFrame, 1000 + bytesPerFrame])
  })

  it('the bytes of each fragment and of its frame, no more than 256 KiB at a time', async () => {
    const stage = new Stage({ fragment: 1 })
    stage.message(new Uint8Array(200))
    await stage.turns(4)
    assert.equal(stage.sum, 200 * (1 + bytesPerFrame))
    assert.ok(Math.max(...stage.taken) <= 256 << 10)
    assert.ok(Math.max(...stage.taken) > 250 << 10)
  })

  it('the bytes of a generated message and those of its frame', async () => {
    const stage = new Stage({ size: 100, rate: 1000 })
    stage.open()
    await stage.turns(5)
    stage.end()
    assert.deepEqual(new Set(stage.taken), new Set([100 + bytesPerFrame]))
  })

  it('no more than 64 MiB a second, and a burst of a tenth of that', async () => {
    const stage = new Stage({ size: 1 << 20, rate: 10_000 })
    const begunAt = performance.now()
    stage.open()
    await stage.turns(20)
    const seconds = (performance.now() - begunAt) / 1000
    stage.end()
    const size = (1 << 20) + bytesPerFrame
    assert.ok(stage.sum <= (64 << 20) * (seconds + 0.1) + 2 * size, `${stage.sum} bytes in ${seconds} s`)
  })
})

describe('a connection with settings', () => {
  it('gets no generated message and no Ping while more than 64 KiB wait for its peer', async () => {
    const stage = new Stage({ rate: 1000, ping: 10 })
    stage.bufferedAmount = (64 << 10) + 1
    stage.open()
    await stage.turns(10)
    assert.deepEqual([stage.sent.length, stage.pings], [0, 0])
    stage.bufferedAmount = 64 << 10
    while (stage.sent.length === 0 || stage.pings === 0) await sleep(1)
    stage.end()
  })

  it('skips generated messages that are more than 100 ms late', async () => {
    const stage = new Stage({ rate: 1000 })
    let open = (): void => {}
    stage.gate = new Promise((resolve) => {
      open = resolve
    })
    stage.open()
    await sleep(1000)
    open()
    stage.gate = undefined
    const openedAt = performance.now()
    while (stage.sent.length < 50) await sleep(1)
    await sleep(50)
    stage.end()
    const ms = performance.now() - openedAt
    assert.ok(stage.sent.length <= ms + 100 + 50, `${stage.sent.length} messages in ${ms} ms`)
  })

  it('is not read while it holds more than 1 MiB', () => {
    for (const [bytes, isPaused] of [
      [(1 << 20) - 512, false],
      [(1 << 20) - 511, true],
    ] as const) {
      const stage = new Stage({ delay: 60_000 })
      stage.message(new Uint8Array(bytes))
      assert.equal(stage.isPaused, isPaused, `${bytes}`)
      stage.end()
    }
  })

  it('is not read while it holds anything and all together hold more than 128 MiB', () => {
    const stage = new Stage({ delay: 60_000 })
    stage.held.add((128 << 20) - 512)
    stage.message(new Uint8Array(0))
    assert.equal(stage.isPaused, false)
    stage.message(new Uint8Array(1))
    assert.equal(stage.isPaused, true)
    stage.end()
  })
})
