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
const topic = { key: '{a}', channel: 'c:a' }

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
    const published = ['a', 'b'].map((content) => publisher.publish(topic, content, content))
    const latest = performance.now() + settings.timeoutMs
    for (const each of published) {
      await assert.rejects(each, /no replica of Redis confirmed the message within 1500 ms/)
    }
    assert.equal(ends.length, 1)
    assert.ok(ends[0]! <= latest)
  })
})
