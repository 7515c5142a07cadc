import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import type { Clock } from '../../ports/clock.js'
import { nodeClock } from '../../runtimes/node/clock.js'
import { webClock } from '../../runtimes/web/clock.js'
import { EventTasks } from './event-tasks.js'

function tasksOf(
  clock: Clock,
  runEvent: (event: string) => unknown,
  cork = (_: boolean): void => {},
  sent = { sentBytes: 0 },
): EventTasks<string> {
  return new EventTasks<string>(clock, {
    get sentBytes() {
      return sent.sentBytes
    },
    runEvent,
    cork: () => cork(true),
    uncork: () => cork(false),
  })
}

/** Counts the calls of cork that no uncork has followed. */
class CorkCounter {
  open = 0
  readonly count = (isCorked: boolean): void => {
    this.open += isCorked ? 1 : -1
  }
}

describe('EventTasks', () => {
  it('runs the first event of a call within the call, and each other event in a task of its own', () => {
    const clock = new FakeClock()
    const log: string[] = []
    const tasks = tasksOf(clock, (event) => log.push(event))
    for (const event of ['a', 'b', 'c']) tasks.add(event)
    assert.deepEqual(log, ['a'])
    for (const expected of [
      ['a', 'b'],
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ]) {
      clock.runTasks(1)
      assert.deepEqual(log, expected)
    }
    tasks.add('d')
    clock.endTurn()
    tasks.add('e')
    assert.deepEqual(log, ['a', 'b', 'c', 'd', 'e'])
  })

  it('keeps the order if a call comes while events wait, and if one event causes another', () => {
    const clock = new FakeClock()
    const log: string[] = []
    const tasks = tasksOf(clock, (event) => {
      log.push(event)
      if (event === 'a') tasks.add('of a')
    })
    tasks.add('a')
    tasks.add('b')
    clock.endTurn()
    tasks.add('c')
    assert.deepEqual(log, ['a'])
    clock.runTasks()
    assert.deepEqual(log, ['a', 'of a', 'b', 'c'])
  })

  it('runs the further events of a call right after it, with a checkpoint before each, if the clock has them', () => {
    const log: string[] = []
    const clock = Object.assign(new FakeClock(), {
      microtaskCheckpoint(): boolean {
        log.push('checkpoint')
        return true
      },
    })
    const tasks = tasksOf(
      clock,
      (event) => {
        log.push(event)
        if (event === 'b') tasks.add('of b')
      },
      (isCorked) => log.push(isCorked ? 'corked' : 'uncorked'),
    )
    for (const event of ['a', 'b', 'c']) tasks.add(event)
    assert.deepEqual(log, ['a'])
    clock.endTurn()
    assert.deepEqual(log, ['a', 'corked', 'checkpoint', 'b', 'checkpoint', 'c', 'checkpoint', 'of b', 'uncorked'])
    tasks.add('d')
    assert.equal(log.at(-1), 'd')
  })

  it('goes on in tasks, one for each event, where a checkpoint is not possible', () => {
    const log: string[] = []
    const results = [true, false]
    const clock = Object.assign(new FakeClock(), { microtaskCheckpoint: () => results.shift()! })
    const corks = new CorkCounter()
    const tasks = tasksOf(clock, (event) => log.push(event), corks.count)
    for (const event of ['a', 'b', 'c', 'd']) tasks.add(event)
    clock.endTurn()
    assert.deepEqual([log, corks.open], [['a', 'b'], 0])
    tasks.add('e')
    assert.deepEqual(log, ['a', 'b'])
    clock.runTasks(1)
    assert.deepEqual(log, ['a', 'b', 'c'])
    clock.runTasks()
    assert.deepEqual(log, ['a', 'b', 'c', 'd', 'e'])
    tasks.add('f')
    assert.equal(log.at(-1), 'f')
  })

  it('goes on in a row, in a further task that begins with a checkpoint, after a checkpoint that throws', () => {
    const log: string[] = []
    const failing = new Set(['b', 'c'])
    const clock = Object.assign(new FakeClock(), {
      microtaskCheckpoint(): boolean {
        log.push('checkpoint')
        if (failing.delete(log.at(-2)!)) throw new Error('of a listener')
        return true
      },
    })
    const corks = new CorkCounter()
    const tasks = tasksOf(clock, (event) => log.push(event), corks.count)
    for (const event of ['a', 'b', 'c', 'd']) tasks.add(event)
    assert.throws(() => clock.endTurn(), /of a listener/)
    assert.deepEqual([log.splice(0), corks.open], [['a', 'checkpoint', 'b', 'checkpoint'], 0])
    tasks.add('e')
    assert.throws(() => clock.runTasks(), /of a listener/)
    assert.deepEqual([log.splice(0), corks.open], [['checkpoint', 'c', 'checkpoint'], 0])
    clock.runTasks()
    assert.deepEqual([log.splice(0), corks.open], [['checkpoint', 'd', 'checkpoint', 'e'], 0])
    tasks.add('f')
    assert.deepEqual(log, ['f'])
  })

  for (const [name, clock] of Object.entries({ nodeClock, webClock })) {
    it(`lets promises run between two events, ${name}`, async () => {
      const log: string[] = []
      await new Promise<void>((resolve) => {
        const tasks = tasksOf(clock, async (event) => {
          log.push(event)
          for (let hop = 0; hop < 10; hop++) await undefined
          log.push(`${event} done`)
          if (event === 'c') resolve()
        })
        for (const event of ['a', 'b', 'c']) tasks.add(event)
      })
      assert.deepEqual(
        log,
        ['a', 'b', 'c'].flatMap((event) => [event, `${event} done`]),
      )
    })
  }

  it('does not nest the rows of many owners whose calls end together, and loses none of their events', async () => {
    const owners = 5000
    let ran = 0
    const all = Array.from({ length: owners }, () => tasksOf(nodeClock, () => (ran += 1)))
    for (const tasks of all) for (const event of ['a', 'b', 'c']) tasks.add(event)
    while (ran < 3 * owners) await new Promise((resolve) => setImmediate(resolve))
    for (const tasks of all) tasks.add('d')
    while (ran < 4 * owners) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(ran, 4 * owners)
  })

  it('goes on in a task of its own with a row that takes long', () => {
    const log: string[] = []
    const clock = Object.assign(new FakeClock(), { microtaskCheckpoint: () => true, now: () => log.length })
    const tasks = tasksOf(clock, (event) => log.push(event))
    for (let event = 0; event < 100; event += 1) tasks.add(`${event}`)
    clock.endTurn()
    assert.equal(log.length, 1 + 32)
    clock.runTasks(1)
    assert.equal(log.length, 1 + 64)
    clock.runTasks()
    assert.deepEqual(
      log,
      Array.from({ length: 100 }, (_, event) => `${event}`),
    )
  })

  for (const [bytesOfEach, perTask] of [
    [(64 << 10) - 1, [2, 4, 6]],
    [64 << 10, [1, 2, 3]],
    [0, [6, 6, 6]],
  ] as const) {
    it(`goes on in a task of its own with a row that has sent 64 KiB, by events that send ${bytesOfEach} bytes`, () => {
      const sent = { sentBytes: 0 }
      const clock = Object.assign(new FakeClock(), { microtaskCheckpoint: () => true })
      const corks = new CorkCounter()
      let ran = 0
      const send = (): void => {
        ran += 1
        sent.sentBytes += bytesOfEach
      }
      const tasks = tasksOf(clock, send, corks.count, sent)
      for (let event = 0; event < 6; event += 1) tasks.add('message')
      clock.endTurn()
      const counts = [ran]
      for (let task = 0; task < 2; task += 1) {
        clock.runTasks(1)
        counts.push(ran)
        assert.equal(corks.open, 0)
      }
      tasks.add('later')
      clock.runTasks()
      assert.deepEqual([counts, ran], [perTask, 7])
    })
  }
})
