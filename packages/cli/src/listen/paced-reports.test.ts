import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TalkEvent } from '../talk/talk-event.js'
import { PacedReports } from './paced-reports.js'

/** An output that has room for so many events, until its reader takes them. */
class SlowOutput {
  readonly written: string[] = []
  #wake: (() => void) | undefined
  #room: Promise<void> | undefined
  #left: number

  constructor(room: number) {
    this.#left = room
  }

  readonly report = (event: TalkEvent): Promise<void> | undefined => {
    this.written.push(`${event.event} ${event.client}`)
    this.#left -= 1
    if (this.#left > 0) return undefined
    this.#room ??= new Promise((resolve) => {
      this.#wake = resolve
    })
    return this.#room
  }

  async take(room: number): Promise<void> {
    this.#left = room
    this.#wake?.()
    this.#room = undefined
    await new Promise(setImmediate)
  }
}

class Client {
  isPaused = false

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }
}

const open = (client: number): TalkEvent => ({ event: 'open', client, url: 'ws://a/', protocol: '', extensions: '' })
const close = (client: number): TalkEvent => ({ event: 'close', client, code: 1000, reason: '', wasClean: true })

describe('the reports of many clients', () => {
  it('do not wait while the output has room', () => {
    const reports = new PacedReports(new SlowOutput(10).report)
    const client = new Client()
    reports.tell(client, open(1))
    assert.equal(client.isPaused, false)
    assert.equal(reports.room(), undefined)
  })

  it('pause a client until its event is written, whatever the event', async () => {
    for (const event of [open(1), { event: 'error', client: 1, message: 'x' } as const]) {
      const output = new SlowOutput(1)
      const reports = new PacedReports(output.report)
      const client = new Client()
      reports.tell(client, event)
      assert.ok(client.isPaused)
      await output.take(1)
      assert.ok(!client.isPaused)
    }
  })

  it('let no client in while the output is full, the close of another included', async () => {
    const output = new SlowOutput(1)
    const reports = new PacedReports(output.report)
    reports.tell(undefined, close(1))
    let isAccepted = false
    const accepted = reports.room()!.then(() => {
      isAccepted = true
    })
    await new Promise(setImmediate)
    assert.ok(!isAccepted)
    // It has room for one event, which another client takes first.
    const taken = output.take(1)
    reports.tell(undefined, close(2))
    await taken
    assert.ok(!isAccepted)
    await output.take(9)
    await accepted
    assert.deepEqual(output.written, ['close 1', 'close 2'])
    assert.equal(reports.room(), undefined)
  })

  it('keep the order of the events', async () => {
    const output = new SlowOutput(2)
    const reports = new PacedReports(output.report)
    const client = new Client()
    for (const event of [open(1), open(2), close(1), close(2)]) reports.tell(client, event)
    await output.take(9)
    assert.deepEqual(output.written, ['open 1', 'open 2', 'close 1', 'close 2'])
  })
})
