import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SendWindow } from './send-window.js'

/** Bursts that ask for a place: all of them, of which those that have one are answered after `ms` each time. */
class Bursts {
  readonly window = new SendWindow()
  readonly admitted: number[] = []

  ask(count: number): void {
    for (let index = 0; index < count; index += 1) {
      const number = index
      void this.window.enter(Number.POSITIVE_INFINITY).then(() => this.admitted.push(number))
    }
  }

  /** Answers all that are on their way, and returns how many they were. */
  async answer(ms: number): Promise<number> {
    await new Promise(setImmediate)
    const answered = this.admitted.splice(0).length
    for (let count = 0; count < answered; count += 1) {
      this.window.answered(ms)
      this.window.leave()
    }
    return answered
  }
}

describe('SendWindow', () => {
  it('lets 16 bursts go at a time, in the order of the calls', async () => {
    const bursts = new Bursts()
    bursts.ask(20)
    assert.deepEqual(bursts.admitted, [])
    await new Promise(setImmediate)
    assert.deepEqual(
      bursts.admitted,
      Array.from({ length: 16 }, (_, index) => index),
    )
    bursts.window.leave()
    await new Promise(setImmediate)
    assert.deepEqual(bursts.admitted.slice(16), [16])
  })

  it('lets those go without a place whose time is over, and keeps the order of the others', async (context) => {
    // As the requests of those that have a place would.
    const alive = setInterval(() => undefined, 1000)
    context.after(() => clearInterval(alive))
    const bursts = new Bursts()
    bursts.ask(17)
    const late = [bursts.window.enter(performance.now() + 30), bursts.window.enter(performance.now())]
    bursts.ask(1)
    assert.deepEqual(await Promise.all(late), [false, false])
    assert.equal(await bursts.answer(1), 16)
    await new Promise(setImmediate)
    assert.deepEqual(bursts.admitted, [16, 0])
  })

  it('grows while more wait and answers take no longer, and shrinks when they do', async () => {
    const bursts = new Bursts()
    bursts.ask(100_000)
    let far = 0
    for (let turn = 0; turn < 10; turn += 1) far = await bursts.answer(20)
    assert.ok(far > 50, `${far}`)
    let slow = 0
    for (let turn = 0; turn < 20; turn += 1) slow = await bursts.answer(200)
    assert.equal(slow, 16)
  })

  it('stays as it is while the server is busy', async () => {
    const bursts = new Bursts()
    for (const ms of [0.3, 3, 3, 3]) bursts.window.answered(ms)
    bursts.ask(10_000)
    for (let turn = 0; turn < 20; turn += 1) assert.equal(await bursts.answer(3), 16)
  })

  it('measures anew after a loss of the connection', async () => {
    const bursts = new Bursts()
    bursts.window.answered(0.3)
    bursts.window.forgetTimes()
    bursts.ask(10_000)
    for (let turn = 0; turn < 20; turn += 1) await bursts.answer(20)
    assert.ok((await bursts.answer(20)) > 50)
  })

  it('does not grow while none waits', async () => {
    const bursts = new Bursts()
    for (let turn = 0; turn < 20; turn += 1) {
      bursts.ask(16)
      await bursts.answer(1)
    }
    bursts.ask(100)
    assert.equal(await bursts.answer(1), 16)
  })
})
