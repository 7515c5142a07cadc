import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Publisher, type PublisherSettings } from './publisher.js'
import type { Replicas } from './replicas.js'
import type { ScriptRunner } from './script-runner.js'

const settings: PublisherSettings = {
  isCluster: true,
  replicas: undefined,
  historyCount: 10,
  historyAgeMs: 1000,
  dedupeMs: 1000,
  timeoutMs: 1500,
  command: 'PUBLISH',
}

describe('Publisher', () => {
  it('gives a script, and the replicas behind it, no more time than its publish has', async (context) => {
    // As the client would; the timers of the broker do not keep a process alive.
    const alive = setInterval(() => undefined, 1000)
    context.after(() => clearInterval(alive))
    const ends: number[] = []
    const scripts = {
      async run(_: unknown, __: unknown, ___: unknown, until: number) {
        ends.push(until)
        return 'tag\ne 0 '
      },
    } as unknown as ScriptRunner
    const replicas = { confirm: () => new Promise(() => undefined) } as unknown as Replicas
    const publisher = new Publisher(scripts, { ...settings, replicas })
    const topic = publisher.topic('{a}', 'c:a')
    const published = ['a', 'b'].map((content) => publisher.publish(topic, content, content))
    const latest = performance.now() + settings.timeoutMs
    for (const each of published) {
      await assert.rejects(each, /no replica of Redis confirmed the message within 1500 ms/)
    }
    assert.equal(ends.length, 1)
    assert.ok(ends[0]! <= latest)
  })
  it('has two scripts on their way at once, and one of each topic', async () => {
    const names = ['a', 'b', 'c', 'd']
    const underWay: { readonly topics: readonly string[]; answer(): void }[] = []
    const scripts = {
      run: (_: unknown, keys: readonly string[]) =>
        new Promise((resolve) => {
          const topics = names.filter((name) => keys.includes(`{${name}}:h`))
          underWay.push({ topics, answer: () => resolve(['tag', ...topics.map(() => 'e 0 ')].join('\n')) })
        }),
    } as unknown as ScriptRunner
    const publisher = new Publisher(scripts, { ...settings, isCluster: false })
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    const publishAll = (content: string) =>
      Promise.all(names.map((name) => publisher.publish(publisher.topic(`{${name}}`, `c:${name}`), content, undefined)))
    const first = publishAll('1')
    await turn()
    const second = publishAll('2')
    await turn()
    assert.deepEqual(
      underWay.map(({ topics }) => topics),
      [
        ['a', 'c'],
        ['b', 'd'],
      ],
    )
    // The answer of one lane lets its next messages go, and no others.
    underWay[1]!.answer()
    await turn()
    assert.deepEqual(
      underWay.slice(2).map(({ topics }) => topics),
      [['b', 'd']],
    )
    underWay[0]!.answer()
    await first
    await turn()
    for (const { answer } of underWay) answer()
    await second
    assert.equal(underWay.length, 4)
  })
})
