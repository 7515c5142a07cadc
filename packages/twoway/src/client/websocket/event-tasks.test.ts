import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { nodeClock } from '../../runtimes/node/clock.js'
import { webClock } from '../../runtimes/web/clock.js'
import { EventTasks } from './event-tasks.js'

describe('EventTasks', () => {
  it('runs the first event of a call within the call, and each other event in a task of its own', () => {
    const clock = new FakeClock()
    const log: string[] = []
    const tasks = new EventTasks<string>(clock, (event) => log.push(event))
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
    const tasks = new EventTasks<string>(clock, (event) => {
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

  for (const [name, clock] of Object.entries({ nodeClock, webClock })) {
    it(`lets promises run between two events, ${name}`, async () => {
      const log: string[] = []
      await new Promise<void>((resolve) => {
        const tasks = new EventTasks<string>(clock, async (event) => {
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
})
