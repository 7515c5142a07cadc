import { setTimeout as wait } from 'node:timers/promises'
import type { MessageStream, ServerSocket } from 'twoway/server'
import type { EchoSettings } from './echo-settings.js'
import type { HeldBytes } from './held-bytes.js'
import { mirrorOf } from './mirror.js'
import { bytesPerFrame, connectionBytesPerSecond, Pace, type WorkTurns } from './work-turns.js'

/** The longest message in bytes: 16 MiB. */
export const longestEcho = 16 << 20
/** Bytes of delayed echoes above which a connection is not read: 1 MiB, a server's default for a send buffer. */
const mostHeld = 1 << 20
/** Bytes that a waiting message counts for beside its length, so that empty messages are limited too. */
const messageOverhead = 512
/** Bytes that wait for a peer above which generated messages are skipped. */
const mostWaiting = 64 << 10
/** Bytes of a fragmented message that are sent in one turn of the connection, with headers. */
const fragmentsPerTurn = 256 << 10
/** The fewest milliseconds between checks of which generated messages are due. */
const sendingIntervalMs = 10
/** Milliseconds after which a generated message that is late is skipped. */
const mostLateMs = 100
const defaultSize = 16
const defaultRate = 1
/** Milliseconds before a reset, so that the peer first receives the messages before it. */
const resetDelayMs = 50
/** The longest timer of Node: 24 days. */
const longestTimerMs = 2 ** 31 - 1

/** A step that a connection takes when it is due; steps are taken in order. */
interface Step {
  readonly dueAt: number
  /** The bytes that it holds. */
  readonly bytes: number
  run(): Promise<void> | void
}

/** A connection of the echo service whose URL has settings. */
export class EchoSession {
  readonly #settings: EchoSettings
  readonly #held: HeldBytes
  readonly #turns: Pick<WorkTurns, 'take'>
  readonly #pace = new Pace(connectionBytesPerSecond)
  readonly #gone = new AbortController()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #steps: Step[] = []
  #isWorking = false
  /** When the bytes read so far would have arrived at the speed of the setting "slow". */
  #readUntil = 0
  #ownHeld = 0
  #received = 0

  constructor(settings: EchoSettings, held: HeldBytes, turns: Pick<WorkTurns, 'take'>) {
    this.#settings = settings
    this.#held = held
    this.#turns = turns
  }

  /** Called when the connection is open. */
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

  /** Called when a message begins that is read slowly, at the bytes per second of the setting "slow". */
  async messageStream(socket: ServerSocket<unknown>, stream: MessageStream): Promise<void> {
    const read = new GrowingBuffer()
    try {
      for await (const piece of stream) {
        const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece
        if (read.length + bytes.length > longestEcho) {
          socket.close(1009, `longer than ${longestEcho} bytes, the most that is echoed`)
          return
        }
        if (!this.#hold(socket, bytes.length)) return
        read.add(bytes)
        await this.#readFor(bytes.length)
      }
    } catch {
      // The connection has ended, and this message with it.
      return
    } finally {
      this.#release(read.length)
    }
    this.message(socket, stream.type === 'text' ? read.bytes.toString() : read.bytes)
  }

  /** Called when the connection has ended. */
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

  /** Takes the steps in order, each when it is due and the one before is done. */
  async #work(socket: ServerSocket<unknown>): Promise<void> {
    this.#isWorking = true
    for (let step = this.#steps[0]; step !== undefined; step = this.#steps[0]) {
      const ahead = step.dueAt - performance.now()
      try {
        if (ahead > 0) await wait(ahead, undefined, { signal: this.#gone.signal })
        await step.run()
      } catch {
        // The connection is closing: the steps that are left will find it closed.
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
    // The other steps will find the connection closing too.
    else if (result === 'closed') this.close()
  }

  /** Sends a message in parts of whole fragments, each in a turn of its own. */
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
        // Messages that the peer does not read in time are skipped, not sent later.
        if (socket.bufferedAmount > mostWaiting) {
          skipped += due - sent
          break
        }
        sent += 1
        if (socket.send(`${sent} `.padEnd(size, '.').slice(0, size)) === 'closed') return
      }
      // The same holds for messages that the service is too busy to send.
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

  /** Resolves when the limits of the connection and of the service allow this many bytes. */
  async #turn(bytes: number): Promise<void> {
    const ahead = this.#pace.waitMs(performance.now())
    if (ahead >= 1) await this.#wait(ahead)
    this.#pace.take(bytes, performance.now())
    await this.#turns.take(bytes, this.#gone.signal)
  }

  async #wait(milliseconds: number): Promise<void> {
    await wait(Math.min(milliseconds, longestTimerMs), undefined, { signal: this.#gone.signal })
  }

  /** Starts the work that lasts as long as the connection. */
  #untilGone(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#gone.signal.aborted) throw error
    })
  }

  /** Resolves when this many bytes would have arrived. A wait too short for a timer is added to a later one. */
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

  /** Counts bytes that are kept for later. If all connections keep too much already, this one is closed. */
  #hold(socket: ServerSocket<unknown>, bytes: number): boolean {
    if (!this.#held.add(bytes)) {
      socket.close(1013, 'the service holds too much for its connections: try again later')
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

/** Collects bytes piece by piece, in about as much memory, however small the pieces are. */
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
