import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  bytesPerSecond,
  bytesPerTurn,
  connectionBytesPerSecond,
  Pace,
  type TurnClock,
  WorkTurns,
} from './work-turns.js'

/** A clock that stands until it is told to go on. */
class FakeClock implements TurnClock {
  #now = 0
  #due: { readonly at: number; run(): void }[] = []

  now(): number {
    return this.#now
  }

  after(delayMs: number, run: () => void): void {
    this.#due.push({ at: this.#now + delayMs, run })
  }

  nextTurn(run: () => void): void {
    this.#due.push({ at: this.#now, run })
  }

  /** One turn: what is due now, or else soonest, and the promises that follow from it. */
  async turn(): Promise<void> {
    const soonest = Math.min(...this.#due.map(({ at }) => at))
    this.#now = Math.max(this.#now, soonest)
    const due = this.#due.filter(({ at }) => at <= this.#now)
    this.#due = this.#due.filter(({ at }) => at > this.#now)
    for (const { run } of due) run()
    await new Promise(setImmediate)
  }

  get isIdle(): boolean {
    return this.#due.length === 0
  }
}

/** Has so many connections take as much as they can, and tells what was taken in each turn. */
async function greedy(connections: number, bytes: number, turns: number): Promise<{ perTurn: number[]; ms: number }> {
  const clock = new FakeClock()
  const work = new WorkTurns(clock)
  const perTurn: number[] = []
  const gone = new AbortController()
  let taken = 0
  for (let count = 0; count < connections; count++) {
    const takeAll = async (): Promise<void> => {
      for (;;) {
        await work.take(bytes, gone.signal)
        taken += bytes
      }
    }
    takeAll().catch(() => {})
  }
  for (let turn = 0; turn < turns; turn++) {
    await clock.turn()
    perTurn.push(taken)
    taken = 0
  }
  return { perTurn, ms: clock.now() }
}

describe('the turns of the echo service', () => {
  for (const [connections, bytes] of [
    [1, 16],
    [1, bytesPerTurn],
    [7, 300_000],
    [1000, 1040],
    [10_000, 1 << 20],
  ] as const) {
    it(`send no more than ${bytesPerTurn} bytes in one: ${connections} connections, ${bytes} bytes each`, async () => {
      const { perTurn } = await greedy(connections, bytes, 50)
      assert.ok(
        perTurn.every((taken) => taken <= bytesPerTurn),
        String(Math.max(...perTurn)),
      )
      assert.ok(perTurn.every((taken) => taken > 0))
    })
  }

  it('are bounded as the help says, and short enough for a neighbour', () => {
    assert.deepEqual([connectionBytesPerSecond, bytesPerSecond, bytesPerTurn], [64 << 20, 256 << 20, 1 << 20])
  })

  it('send a longer message in a turn of its own', async () => {
    const { perTurn } = await greedy(3, 16 << 20, 20)
    assert.deepEqual(new Set(perTurn), new Set([16 << 20]))
  })

  it('keep to the bytes per second, even if a turn has room', async () => {
    const { perTurn, ms } = await greedy(100, 1 << 20, 2000)
    const sum = perTurn.reduce((one, other) => one + other, 0)
    assert.ok(ms > 5000, `${ms} ms`)
    assert.ok(Math.abs(sum / (ms / 1000) / bytesPerSecond - 1) < 0.05, `${sum} bytes in ${ms} ms`)
  })

  it('serve requests in order, whatever the connection', async () => {
    const clock = new FakeClock()
    const work = new WorkTurns(clock)
    const { signal } = new AbortController()
    const counts = [0, 0, 0]
    for (const index of counts.keys()) {
      const takeAll = async (): Promise<void> => {
        for (;;) {
          await work.take(bytesPerTurn, signal)
          counts[index]! += 1
        }
      }
      void takeAll()
    }
    for (let turn = 0; turn < 30; turn++) await clock.turn()
    assert.deepEqual(counts, [10, 10, 10])
  })

  it('count nothing for a connection that has ended', async () => {
    const clock = new FakeClock()
    const work = new WorkTurns(clock)
    const gone = new AbortController()
    const lost = Array.from({ length: 1000 }, () => work.take(1 << 20, gone.signal))
    const results = Promise.allSettled(lost)
    gone.abort()
    let isServed = false
    void work.take(10, new AbortController().signal).then(() => {
      isServed = true
    })
    await clock.turn()
    assert.ok(isServed)
    assert.ok((await results).every(({ status }) => status === 'rejected'))
    assert.ok(clock.isIdle)
  })
})

describe('a pace', () => {
  it('lets a long message pass and delays the next one', () => {
    const pace = new Pace(1000)
    assert.equal(pace.waitMs(0), 0)
    pace.take(1100, 0)
    assert.equal(pace.waitMs(0), 1000)
    assert.equal(pace.waitMs(400), 600)
    assert.equal(pace.waitMs(5000), 0)
  })

  it('allows a burst of a tenth of a second at most', () => {
    const pace = new Pace(1000)
    pace.take(0, 0)
    pace.take(150, 60_000)
    assert.equal(pace.waitMs(60_000), 50)
  })
})
