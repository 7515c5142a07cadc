import { setTimeout as wait } from 'node:timers/promises'
import type { MessageStream, ServerSocket } from 'twoway/server'
import type { EchoSettings } from './echo-settings.js'
import type { HeldBytes } from './held-bytes.js'
import { mirrorOf } from './mirror.js'
import { bytesPerFrame, connectionBytesPerSecond, Pace, type WorkTurns } from './work-turns.js'

/** Bytes of a message, at most: 16 MiB. */
export const longestEcho = 16 << 20
/** Bytes of echoes that wait for their time above which a connection is not read: 1 MiB, as a server lets wait. */
const mostHeld = 1 << 20
/** What a message that waits counts for beyond its length, so that empty ones do not gather without end. */
const messageOverhead = 512
/** Bytes that wait for a peer above which it is sent nothing by itself: what it does not take in time is left out. */
const mostWaiting = 64 << 10
/** Bytes of a message in fragments that are sent in one turn of the connection's, headers and all. */
const fragmentsPerTurn = 256 << 10
/** Milliseconds between the looks at what is to be sent by itself, at least. */
const sendingIntervalMs = 10
/** Milliseconds after which what was to be sent by itself is left out. */
const mostLateMs = 100
const defaultSize = 16
const defaultRate = 1
/** Milliseconds before a reset: it may overtake what was sent before, and the peer is to see that first. */
const resetDelayMs = 50
/** Node's timers go no further: 24 days. */
const longestTimerMs = 2 ** 31 - 1

/** What is done on a connection once its time has come, in order. */
interface Step {
  readonly dueAt: number
  /** What it holds back. */
  readonly bytes: number
  run(): Promise<void> | void
}

/** What a connection of the echo service does that was asked for something by its URL's query. */
export class EchoSession {
  readonly #settings: EchoSettings
  readonly #held: HeldBytes
  readonly #turns: WorkTurns
  readonly #pace = new Pace(connectionBytesPerSecond)
  readonly #gone = new AbortController()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #steps: Step[] = []
  #isWorking = false
  /** When what has been read would have come at the speed that is asked for. */
  #readUntil = 0
  #ownHeld = 0
  #received = 0

  constructor(settings: EchoSettings, held: HeldBytes, turns: WorkTurns) {
    this.#settings = settings
    this.#held = held
    this.#turns = turns
  }

  /** The connection stands. */
  open(socket: ServerSocket<unknown>): void {
    const { mirror, ping, size, rate, after } = this.#settings
    if (mirror === 'request') socket.send(mirrorOf(socket.request))
    if (size !== undefined || rate !== undefined) {
      this.#untilGone(this.#sendByItself(socket, size ?? defaultSize, rate ?? defaultRate))
    }
    if (ping !== undefined) this.#untilGone(this.#ping(socket, ping))
    if (after === undefined) this.#end(socket)
    else if ('milliseconds' in after) this.#later(after.milliseconds, () => this.#end(socket))
  }

  message(socket: ServerSocket<unknown>, message: string | Uint8Array): void {
    const { delay = 0, jitter = 0, drop = 0, after } = this.#settings
    const bytes = typeof message === 'string' ? Buffer.byteLength(message) : message.length
    const wanted = performance.now() + delay + jitter * Math.random()
    const dueAt = Math.max(wanted, this.#steps.at(-1)?.dueAt ?? 0)
    this.#received += 1
    if (Math.random() >= drop) {
      this.#add(socket, { dueAt, bytes: bytes + messageOverhead, run: () => this.#echo(socket, message, bytes) })
    }
    if (after !== undefined && 'messages' in after && this.#received === after.messages) {
      this.#add(socket, { dueAt, bytes: 0, run: () => this.#end(socket) })
    }
  }

  /** A message begins that is to be read slowly: the peer is read no further than as many bytes a second take it. */
  async messageStream(socket: ServerSocket<unknown>, stream: MessageStream): Promise<void> {
    const read = new GrowingBuffer()
    try {
      for await (const piece of stream) {
        const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece
        if (read.length + bytes.length > longestEcho) {
          socket.close(1009, `more than the ${longestEcho} bytes that are echoed`)
          return
        }
        if (!this.#hold(socket, bytes.length)) return
        read.add(bytes)
        await this.#readFor(bytes.length)
      }
    } catch {
      // The connection is gone, and this message with it.
      return
    } finally {
      this.#release(read.length)
    }
    this.message(socket, stream.type === 'text' ? read.bytes.toString() : read.bytes)
  }

  /** The connection is gone. */
  close(): void {
    this.#gone.abort()
    for (const timer of this.#timers) clearTimeout(timer)
    this.#release(this.#ownHeld)
  }

  #add(socket: ServerSocket<unknown>, step: Step): void {
    if (!this.#hold(socket, step.bytes)) return
    this.#steps.push(step)
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
      this.#release(step.bytes)
      this.#readOrWait(socket)
    }
    this.#isWorking = false
  }

  async #echo(socket: ServerSocket<unknown>, message: string | Uint8Array, bytes: number): Promise<void> {
    const { fragment, deflate } = this.#settings
    if (fragment !== undefined) {
      const type = typeof message === 'string' ? 'text' : 'binary'
      await socket.sendStream(this.#fragments(message, fragment), { type, fragmentBytes: fragment })
      return
    }
    await this.#turn(bytes + bytesPerFrame)
    const result = socket.send(message, { compress: deflate })
    if (result === 'buffered') await socket.drained()
    // What else waits will find the connection closing too.
    else if (result === 'closed') this.close()
  }

  /** A message in parts that are whole fragments, each when its turn has come. */
  async *#fragments(message: string | Uint8Array, fragment: number): AsyncGenerator<Uint8Array> {
    const bytes = typeof message === 'string' ? Buffer.from(message) : message
    const most = Math.max(1, Math.floor(fragmentsPerTurn / (fragment + bytesPerFrame))) * fragment
    for (let at = 0; at === 0 || at < bytes.length; at += most) {
      const part = bytes.subarray(at, at + most)
      await this.#turn(part.length + Math.max(1, Math.ceil(part.length / fragment)) * bytesPerFrame)
      yield part
    }
  }

  #end(socket: ServerSocket<unknown>): void {
    const { abort, close, reason } = this.#settings
    if (abort) this.#later(resetDelayMs, () => socket.terminate({ reset: true }))
    else if (close !== undefined) socket.close(close, reason)
  }

  async #sendByItself(socket: ServerSocket<unknown>, size: number, rate: number): Promise<void> {
    const startedAt = performance.now()
    let sent = 0
    let skipped = 0
    for (;;) {
      const nextAt = startedAt + ((sent + skipped + 1) / rate) * 1000
      await this.#wait(Math.max(sendingIntervalMs, nextAt - performance.now()))
      const due = Math.floor(((performance.now() - startedAt) / 1000) * rate) - skipped
      while (sent < due) {
        await this.#turn(size + bytesPerFrame)
        // What the peer does not take in time is left out, not made up for.
        if (socket.bufferedAmount > mostWaiting) {
          skipped += due - sent
          break
        }
        sent += 1
        if (socket.send(`${sent} `.padEnd(size, '.').slice(0, size)) === 'closed') return
      }
      // Nor what the service does not.
      const late = ((performance.now() - startedAt - mostLateMs) / 1000) * rate
      skipped = Math.max(skipped, Math.floor(late) - sent)
    }
  }

  async #ping(socket: ServerSocket<unknown>, intervalMs: number): Promise<void> {
    for (;;) {
      await this.#wait(intervalMs)
      await this.#turn(bytesPerFrame)
      if (socket.bufferedAmount <= mostWaiting) socket.ping()
    }
  }

  /** Resolves when so many bytes may be sent, by what the connection and the service may send at a time. */
  async #turn(bytes: number): Promise<void> {
    const ahead = this.#pace.waitMs(performance.now())
    if (ahead >= 1) await this.#wait(ahead)
    this.#pace.take(bytes, performance.now())
    await this.#turns.take(bytes, this.#gone.signal)
  }

  async #wait(milliseconds: number): Promise<void> {
    await wait(Math.min(milliseconds, longestTimerMs), undefined, { signal: this.#gone.signal })
  }

  /** What goes on for as long as the connection stands. */
  #untilGone(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#gone.signal.aborted) throw error
    })
  }

  /** Resolves when so many bytes would have come: less than a timer can tell is waited for later, with more. */
  async #readFor(bytes: number): Promise<void> {
    const { slow = Number.POSITIVE_INFINITY } = this.#settings
    const now = performance.now()
    this.#readUntil = Math.max(now, this.#readUntil) + (bytes / slow) * 1000
    if (this.#readUntil - now >= 1) await this.#wait(this.#readUntil - now)
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

  /** Counts what is kept for later. Where all connections keep too much already, this one is closed. */
  #hold(socket: ServerSocket<unknown>, bytes: number): boolean {
    if (!this.#held.add(bytes)) {
      socket.close(1013, 'the service holds as much for its connections as it can: try again later')
      return false
    }
    this.#ownHeld += bytes
    return true
  }

  #release(bytes: number): void {
    const own = Math.min(bytes, this.#ownHeld)
    this.#ownHeld -= own
    this.#held.release(own)
  }

  #readOrWait(socket: ServerSocket<unknown>): void {
    const isFull = this.#ownHeld > mostHeld || (this.#ownHeld > 0 && this.#held.isExceeded)
    if (isFull) socket.pause()
    else socket.resume()
  }
}

/** Bytes that are gathered piece by piece, in memory for about as many, however small the pieces. */
class GrowingBuffer {
  #room = Buffer.alloc(0)
  length = 0

  get bytes(): Buffer {
    return this.#room.subarray(0, this.length)
  }

  add(piece: Uint8Array): void {
    const length = this.length + piece.length
    if (length > this.#room.length) {
      const room = Buffer.allocUnsafeSlow(Math.min(longestEcho, Math.max(length, 2 * this.#room.length)))
      this.bytes.copy(room)
      this.#room = room
    }
    this.#room.set(piece, this.length)
    this.length = length
  }
}
