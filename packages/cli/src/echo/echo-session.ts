import { setTimeout as wait } from 'node:timers/promises'
import type { MessageStream, ServerSocket } from 'twoway/server'
import type { EchoSettings } from './echo-settings.js'
import type { HeldBytes } from './held-bytes.js'
import { mirrorOf } from './mirror.js'

/** Octets of a message, at most: 16 MiB. */
export const longestEcho = 16 << 20
/** Octets of echoes that wait for their time above which a connection is not read: 1 MiB, as a server lets wait. */
const mostHeld = 1 << 20
/** What a message that waits counts for beyond its length, so that empty ones do not gather without end. */
const messageOverhead = 128
/** Milliseconds between the looks at what is to be sent by itself, at least. */
const sendingIntervalMs = 10
const defaultSize = 16
const defaultRate = 1
/** Milliseconds before a reset: it may overtake what was sent before, and the peer is to see that first. */
const resetDelayMs = 50
/** Node's timers go no further: 24 days. */
const longestTimerMs = 2 ** 31 - 1

/** What is done on a connection once its time has come, in order. */
interface Step {
  readonly dueAt: number
  readonly octets: number
  run(): Promise<void> | void
}

/** What a connection of the echo service does that was asked for something by its URL's query. */
export class EchoSession {
  readonly #settings: EchoSettings
  readonly #held: HeldBytes
  readonly #gone = new AbortController()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #steps: Step[] = []
  #isWorking = false
  /** When what has been read would have come at the speed that is asked for. */
  #readUntil = 0
  #ownHeld = 0
  #received = 0

  constructor(settings: EchoSettings, held: HeldBytes) {
    this.#settings = settings
    this.#held = held
  }

  /** The connection stands. */
  open(socket: ServerSocket<unknown>): void {
    const { mirror, ping, size, rate, after } = this.#settings
    if (mirror === 'request') socket.send(mirrorOf(socket.request))
    if (size !== undefined || rate !== undefined) this.#sendByItself(socket, size ?? defaultSize, rate ?? defaultRate)
    if (ping !== undefined) this.#timers.add(setInterval(() => socket.ping(), ping))
    if (after === undefined) this.#end(socket)
    else if ('milliseconds' in after) this.#later(after.milliseconds, () => this.#end(socket))
  }

  message(socket: ServerSocket<unknown>, message: string | Uint8Array): void {
    const { delay = 0, jitter = 0, drop = 0, after } = this.#settings
    const octets = typeof message === 'string' ? Buffer.byteLength(message) : message.length
    const wanted = performance.now() + delay + jitter * Math.random()
    const dueAt = Math.max(wanted, this.#steps.at(-1)?.dueAt ?? 0)
    this.#received += 1
    if (Math.random() >= drop) {
      this.#add(socket, { dueAt, octets: octets + messageOverhead, run: () => this.#echo(socket, message) })
    }
    if (after !== undefined && 'messages' in after && this.#received === after.messages) {
      this.#add(socket, { dueAt, octets: 0, run: () => this.#end(socket) })
    }
  }

  /** A message begins that is to be read slowly: the peer is read no further than as many bytes a second take it. */
  async messageStream(socket: ServerSocket<unknown>, stream: MessageStream): Promise<void> {
    const pieces: Buffer[] = []
    let octets = 0
    try {
      for await (const piece of stream) {
        pieces.push(Buffer.from(piece))
        octets += pieces.at(-1)!.length
        if (octets > longestEcho) {
          socket.close(1009, `more than the ${longestEcho} bytes that are echoed`)
          return
        }
        await this.#readFor(pieces.at(-1)!.length)
      }
    } catch {
      // The connection is gone, and this message with it.
      return
    }
    const whole = Buffer.concat(pieces)
    this.message(socket, stream.type === 'text' ? whole.toString() : whole)
  }

  /** The connection is gone. */
  close(): void {
    this.#gone.abort()
    for (const timer of this.#timers) clearTimeout(timer)
    this.#hold(-this.#ownHeld)
  }

  #add(socket: ServerSocket<unknown>, step: Step): void {
    this.#steps.push(step)
    this.#hold(step.octets)
    if (!this.#isWorking) void this.#work(socket)
    this.#readOrWait(socket)
  }

  /** Takes one step after the other, each when it is due and the one before is done. */
  async #work(socket: ServerSocket<unknown>): Promise<void> {
    this.#isWorking = true
    for (let step = this.#steps[0]; step !== undefined; step = this.#steps[0]) {
      const ahead = step.dueAt - performance.now()
      try {
        if (ahead > 0) await wait(ahead, undefined, { signal: this.#gone.signal })
        await step.run()
      } catch {
        // The connection is going: what is left will find it closed.
      }
      if (this.#gone.signal.aborted) return
      this.#steps.shift()
      this.#hold(-step.octets)
      this.#readOrWait(socket)
    }
    this.#isWorking = false
  }

  async #echo(socket: ServerSocket<unknown>, message: string | Uint8Array): Promise<void> {
    const { fragment, deflate } = this.#settings
    if (fragment !== undefined) {
      const type = typeof message === 'string' ? 'text' : 'binary'
      await socket.sendStream([message], { type, fragmentBytes: fragment })
    } else if (socket.send(message, { compress: deflate }) === 'buffered') await socket.drained()
  }

  #end(socket: ServerSocket<unknown>): void {
    const { abort, close, reason } = this.#settings
    if (abort) this.#later(resetDelayMs, () => socket.terminate({ reset: true }))
    else if (close !== undefined) socket.close(close, reason)
  }

  #sendByItself(socket: ServerSocket<unknown>, size: number, rate: number): void {
    const startedAt = performance.now()
    let sent = 0
    let skipped = 0
    const send = (): void => {
      const due = Math.floor(((performance.now() - startedAt) / 1000) * rate) - skipped
      while (sent < due) {
        // What the peer does not take in time is left out, not made up for.
        if (socket.bufferedAmount > 0) skipped += due - sent
        if (socket.bufferedAmount > 0) return
        sent += 1
        socket.send(`${sent} `.padEnd(size, '.').slice(0, size))
      }
    }
    this.#timers.add(setInterval(send, Math.max(sendingIntervalMs, 1000 / rate)))
  }

  /** Resolves when so many octets would have come: less than a timer can tell is waited for later, with more. */
  async #readFor(octets: number): Promise<void> {
    const { slow = Number.POSITIVE_INFINITY } = this.#settings
    const now = performance.now()
    this.#readUntil = Math.max(now, this.#readUntil) + (octets / slow) * 1000
    const ahead = Math.min(this.#readUntil - now, longestTimerMs)
    if (ahead >= 1) await wait(ahead, undefined, { signal: this.#gone.signal })
  }

  #later(milliseconds: number, run: () => void): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer)
        run()
      },
      Math.min(milliseconds, longestTimerMs),
    )
    this.#timers.add(timer)
  }

  #hold(octets: number): void {
    this.#ownHeld += octets
    this.#held.add(octets)
  }

  #readOrWait(socket: ServerSocket<unknown>): void {
    const isFull = this.#ownHeld > mostHeld || (this.#ownHeld > 0 && this.#held.isExceeded)
    if (isFull) socket.pause()
    else socket.resume()
  }
}
