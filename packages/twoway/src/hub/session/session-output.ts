import type { SendResult } from '../../core/connection-types.js'
import { type PreparedMessage, sendJoined, sendPrepared } from '../../core/prepared-message.js'
import { isUint8Array } from '../../core/value-kinds.js'
import type { BrokerContent } from '../../ports/broker/broker.js'
import type { Timer } from '../../ports/clock.js'
import { type ErrorCode, errorCodes, type OkMessage, type ServerMessage } from '../../subprotocol/messages.js'
import type { HubCore } from '../hub-core.js'
import { countOne } from '../hub-counts.js'
import { HubError } from '../hub-error.js'
import type { HubData } from '../hub-types.js'
import type { Frames, HubMessage } from '../topics/hub-message.js'
import type { MessageRun } from '../topics/message-runs.js'
import type { SubscriptionOutput } from '../topics/subscription.js'
import type { Received, SessionSocket } from './session-types.js'

/** Milliseconds after which a client is tried again that no `drain` is due for: its message was dropped, or the broker failed. */
const retryMs = 250

/** The events of a session's output. */
export interface OutputEvents {
  /** There is room again, or another try is due. */
  room(): void
  /** A message that must not be missing was dropped. */
  lost(): void
  /** An error of the application's own code. */
  report(error: unknown): void
}

/** The messages to one client, and the room that its connection has for more. */
export class SessionOutput implements SubscriptionOutput {
  /** Whether at most the high-water mark of the connection is queued. */
  hasRoom = true
  readonly #socket: SessionSocket
  readonly #core: HubCore
  readonly #events: OutputEvents
  #whenRoom: (() => void)[] = []
  #isClosed = false
  #retry: Timer | undefined

  constructor(socket: SessionSocket, core: HubCore, events: OutputEvents) {
    this.#socket = socket
    this.#core = core
    this.#events = events
  }

  message(message: ServerMessage): void {
    this.text(JSON.stringify(message))
  }

  ok(ok: Omit<OkMessage, 't'>): void {
    this.message({ t: 'ok', ...ok })
  }

  text(text: string): void {
    this.#need(this.#socket.send(text))
  }

  bytes(bytes: Uint8Array): void {
    this.#need(this.#socket.send(bytes))
  }

  data(head: { readonly t: 'ok' | 'part'; readonly id: number }, data: HubData | undefined): void {
    if (isUint8Array(data)) {
      this.text(JSON.stringify({ ...head, bin: true }))
      this.bytes(data)
    } else this.text(JSON.stringify({ ...head, data }))
  }

  prepared(message: PreparedMessage): void {
    this.#need(this.#socket[sendPrepared](message))
  }

  stored(message: HubMessage): boolean {
    const isTaken = this.#frames(message.frames(this.#core.prepare))
    if (isTaken) this.#core.counts.delivered += 1
    return isTaken
  }

  run({ messages, prepared }: MessageRun): boolean {
    const isTaken = this.#isTaken(this.#socket[sendJoined](prepared))
    if (isTaken) this.#core.counts.delivered += messages.length
    return isTaken
  }

  volatile(topic: string, content: BrokerContent): boolean {
    return this.#frames(this.#core.volatileFrames(topic, content))
  }

  /** Tells the client of an error. One of our own code is reported, and the client does not learn its text. */
  fail(message: Received['message'], thrown: unknown): void {
    if (!(thrown instanceof HubError)) this.#events.report(thrown)
    else if (thrown.code === 'unavailable' && thrown.cause !== undefined) this.#events.report(thrown.cause)
    const error = thrown instanceof HubError ? thrown : new HubError('failed', failureOf(message))
    countOne(this.#core.counts.errors, error.code)
    const { code, path, retryAfterMs } = error
    this.message({
      t: 'error',
      ...('id' in message ? { id: message.id } : 'topic' in message && { topic: message.topic }),
      code,
      message: error.message,
      ...(path !== undefined && { path }),
      ...(retryAfterMs !== undefined && { retry: retryAfterMs }),
    })
  }

  /** Ends the connection with an error. */
  end(code: ErrorCode, message: string): void {
    countOne(this.#core.counts.errors, code)
    this.#socket.send(JSON.stringify({ t: 'error', code, message } satisfies ServerMessage))
    this.#socket.close(errorCodes[code] ?? 4400, closeReason(message))
  }

  /** Resolves when there is room again, or the connection is closed. */
  whenRoom(): Promise<void> {
    return this.#isClosed ? Promise.resolve() : new Promise((resolve) => this.#whenRoom.push(resolve))
  }

  /** Tells of room in a moment, if the connection does not before. */
  retryLater(): void {
    this.#retry ??= this.#core.clock.after(retryMs, () => this.drained(), false)
  }

  drained(): void {
    this.#retry?.cancel()
    this.#retry = undefined
    this.hasRoom = true
    this.#events.room()
    for (const resolve of this.#whenRoom.splice(0)) resolve()
  }

  closed(): void {
    this.#isClosed = true
    this.#retry?.cancel()
    for (const resolve of this.#whenRoom.splice(0)) resolve()
  }

  /** Returns whether the connection has taken them. */
  #frames([header, body]: Frames): boolean {
    const isTaken = this.#isTaken(this.#socket[sendPrepared](header))
    // The client waits for the bytes that the header announces.
    if (isTaken && body !== undefined) this.prepared(body)
    return isTaken
  }

  #isTaken(result: SendResult): boolean {
    if (result !== 'dropped') {
      this.#note(result)
      return true
    }
    this.hasRoom = false
    this.retryLater()
    return false
  }

  #need(result: SendResult): void {
    if (result === 'dropped') this.#events.lost()
    else this.#note(result)
  }

  #note(result: SendResult): void {
    if (result === 'buffered') this.hasRoom = false
  }
}

function failureOf(message: Received['message']): string {
  const name = message.t === 'req' ? `request "${message.method}"` : `message "${message.t}"`
  return `the ${name} failed on the server, which has reported the reason`
}

/** A text as the reason of a Close, which has at most 123 bytes of UTF-8 (RFC 6455 §5.5.1). */
function closeReason(text: string): string {
  const characters = [...text]
  let bytes = 0
  for (const [index, character] of characters.entries()) {
    const code = character.codePointAt(0)!
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
    if (bytes > 120) return `${characters.slice(0, index).join('')}…`
  }
  return text
}
