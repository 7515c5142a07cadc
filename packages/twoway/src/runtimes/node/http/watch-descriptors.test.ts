import assert from 'node:assert/strict'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { createServer } from 'node:net'
import { it } from 'node:test'
import type { Clock } from '../../../ports/clock.js'
import { watchDescriptors } from './watch-descriptors.js'

/** A clock with one timer at a time, which moves when it is told. */
class OneTimer implements Clock {
  #now = 0
  #timer: { readonly at: number; readonly callback: () => void } | undefined

  now(): number {
    return this.#now
  }

  after(delayMs: number, callback: () => void): { cancel(): void } {
    this.#timer = { at: this.#now + delayMs, callback }
    return {
      cancel: () => {
        this.#timer = undefined
      },
    }
  }

  tick(byMs: number): void {
    const until = this.#now + byMs
    for (let due = this.#timer; due !== undefined && due.at <= until; due = this.#timer) {
      this.#now = due.at
      this.#timer = undefined
      due.callback()
    }
    this.#now = until
  }

  defer(): void {}
  task(): void {}
}

for (const [code, words] of [
  ['EMFILE', /this process has too many .* \(EMFILE\); allow more \(ulimit -n\)/],
  ['ENFILE', /the system has too many .* \(ENFILE\); allow more \(sysctl fs\.file-max\)/],
] as const) {
  it(`tells once a minute that no descriptor is left: ${code}`, (context) => {
    const clock = new OneTimer()
    // A machine has one table of files, which a test must not fill.
    const opened = context.mock.method(fs, 'openSync', () => {
      throw Object.assign(new Error(`${code}: open`), { code })
    })
    syncBuiltinESMExports()
    const told: string[] = []
    try {
      const stop = watchDescriptors(createServer(), ({ message }) => told.push(message), clock)
      clock.tick(999)
      assert.deepEqual(told, [])
      clock.tick(3000)
      assert.equal(opened.mock.callCount(), 3)
      assert.equal(told.length, 1)
      assert.match(told[0]!, words)
      stop()
      clock.tick(3000)
      assert.equal(opened.mock.callCount(), 3)
    } finally {
      opened.mock.restore()
      syncBuiltinESMExports()
    }
  })
}
