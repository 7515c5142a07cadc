import { Connection } from '../../core/connection.js'
import type { CloseResult, ConnectionEvents, SendResult } from '../../core/connection-types.js'
import { showAs } from '../../core/inspection.js'
import { type MessagePipe, openPipe, type Pipeable, type PipeEvents } from '../../core/message-pipe.js'
import { textToBytes } from '../../core/payload/text-to-bytes.js'
import {
  type PreparedMessage,
  type PreparedRun,
  type SendsPrepared,
  sendJoined,
  sendPrepared,
} from '../../core/prepared-message.js'
import type { BroadcastMessage } from '../../core/sending/broadcast-message.js'
import type { BroadcastRun } from '../../core/sending/broadcast-run.js'
import type { MessageWriter } from '../../core/sending/message-writer.js'
import type { PlatformAbortSignal } from '../../ports/platform-types.js'
import type { IncomingRequest } from '../handshake/incoming-request.js'
import type { Observer } from '../observing/observer.js'
import type { ServerSettings } from '../server-settings.js'
import type {
  MessageSource,
  OutgoingPiece,
  SendOptions,
  SendStreamOptions,
  Server,
  ServerSocket,
  ServerSocketState,
} from '../server-types.js'
import { sendFrom, sendStream } from '../streaming/send-source.js'
import type { AcceptedHandshake } from './accepted-handshake.js'
import { Lifetime } from './lifetime.js'
import { bytesOf } from './message-bytes.js'
import type { ServerTopics } from './server-topics.js'
import { refusePipe, SocketPipe } from './socket-pipe.js'
import { closedWhileWaiting, Waiters } from './waiters.js'

/** The parts of a server that its connections share. One object has them all, as each field costs idle memory. */
export interface SharedParts<Data> {
  readonly settings: ServerSettings<Data>
  readonly events: ConnectionEvents<ServerConnection<Data>>
  readonly observer: Observer
  readonly topics: ServerTopics<ServerConnection<Data>>
}

/** A connection of a server, as the user's handlers see it. */
export class ServerConnection<Data> implements ServerSocket<Data>, Pipeable, SendsPrepared {
  data: Data
  /** Owned by the `UnorderedSet` of the server's connections. */
  index = -1
  readonly request: IncomingRequest
  readonly protocol: string
  readonly extensions: string
  readonly #shared: SharedParts<Data>
  readonly #connection: Connection<ServerConnection<Data>>
  readonly #firstTicks: number
  #silentTicks: number
  #pings = 0
  #pingedAt = 0
  #latencyMs: number | undefined
  /** Whether a `send` was answered 'buffered' since the last drain. */
  #isBehind = false
  /** Undefined while none has waited. */
  #waiters: Waiters | undefined
  /** Handlers whose promises the next message waits for. */
  #handlers = 0
  /** Takes the messages in place of the handlers. */
  #pipe: SocketPipe | undefined
  #lifetime: Lifetime | undefined
  #result: CloseResult | undefined

  constructor(shared: SharedParts<Data>, accepted: AcceptedHandshake<Data>, firstTicks: number) {
    const { ports, limits, conduct, budget, sharedInput } = shared.settings
    const { transport, extension } = accepted
    this.data = accepted.data
    this.request = accepted.request
    this.protocol = accepted.protocol
    this.extensions = accepted.extensions
    this.#shared = shared
    this.#firstTicks = firstTicks
    this.#silentTicks = firstTicks
    this.#connection = new Connection({
      role: 'server',
      transport,
      ports,
      limits,
      rates: limits,
      extension,
      streamsMessages: accepted.messageStream,
      conduct,
      budget,
      sharedInput,
      owner: this,
      events: shared.events,
    })
    transport.start(this.#connection)
  }

  get id(): string {
    return this.#askedLifetime().id
  }

  get server(): Server<Data> {
    return this.#shared.observer.server as unknown as Server<Data>
  }

  get readyState(): ServerSocketState {
    const { state } = this.#connection
    if (state === 'open') return 1
    return this.#result === undefined ? 2 : 3
  }

  get closed(): Promise<CloseResult> {
    return this.#askedLifetime().closed
  }

  get signal(): PlatformAbortSignal {
    return this.#askedLifetime().signal
  }

  get remoteAddress(): string | undefined {
    return this.request.remoteAddress
  }

  get bufferedAmount(): number {
    return this.#connection.waitingBytes
  }

  /** Bytes that came from the network. */
  get receivedBytes(): number {
    return this.#connection.receivedBytes
  }

  /** Bytes framed for the network. */
  get sentBytes(): number {
    return this.#connection.framedBytes
  }

  get latencyMs(): number | undefined {
    return this.#latencyMs
  }

  drained(): Promise<void> {
    if (this.#connection.state !== 'open') return Promise.reject(closedWhileWaiting())
    if (this.hasRoom) return Promise.resolve()
    this.#connection.askForDrain()
    return this.#askedWaiters().drained()
  }

  get hasRoom(): boolean {
    return this.bufferedAmount <= this.#shared.settings.limits.highWaterMarkBytes
  }

  /** Payload bytes of the message that is being delivered. */
  get messageBytes(): number {
    return this.#connection.messageBytes
  }

  send(message: OutgoingPiece, options?: SendOptions): SendResult {
    const content = typeof message === 'string' ? message : bytesOf(message)
    const result = this.#connection.send(content, options?.compress)
    return this.#observe(result, content, typeof content === 'string' ? this.#connection.textBytes : content.length)
  }

  sendBroadcast(broadcast: BroadcastMessage, compress: boolean | undefined): SendResult {
    const result = this.#connection.send(broadcast, compress)
    return this.#observe(result, broadcast.message, broadcast.length)
  }

  [sendPrepared](message: PreparedMessage, compress?: boolean): SendResult {
    return this.sendBroadcast(message as BroadcastMessage, compress)
  }

  [sendJoined](joined: PreparedRun): SendResult {
    const run = joined as BroadcastRun
    const result = this.#connection.sendRun(run)
    for (const { message, length } of run.messages) this.#observe(result, message, length)
    return result
  }

  sendFrom(source: MessageSource<OutgoingPiece>): Promise<number> {
    return sendFrom(this, source)
  }

  sendStream(source: MessageSource<OutgoingPiece>, options: SendStreamOptions = {}): Promise<void> {
    return sendStream(this, source, options).then(() => this.#shared.observer.sentStream())
  }

  sendInPieces(options: SendStreamOptions, onClosed: (error: Error) => void): MessageWriter | undefined {
    if (this.#connection.state === 'open') return this.#connection.sendInPieces(options, onClosed)
    onClosed(closedWhileWaiting())
    return undefined
  }

  /** Runs an action when no message of `sendStream` is under way: at once if none is, and also when it fails. */
  afterStreams(action: () => void): void {
    this.#connection.afterPieces(action)
  }

  whenClosing(callback: (error: Error) => void): (() => void) | undefined {
    if (this.#connection.state !== 'open') {
      callback(closedWhileWaiting())
      return undefined
    }
    return this.#askedWaiters().whenClosing(callback)
  }

  nextTask(): Promise<void> {
    return new Promise((resolve) => this.#shared.settings.ports.clock.task(resolve))
  }

  close(code?: number, reason?: string): void {
    this.#connection.close(code, reason)
  }

  terminate({ reset = false }: { readonly reset?: boolean | undefined } = {}): void {
    this.#connection.terminate(reset)
  }

  ping(payload: string | ArrayBuffer | ArrayBufferView = ''): void {
    this.#connection.ping(typeof payload === 'string' ? this.#encode(payload) : bytesOf(payload))
  }

  pause(): void {
    this.#connection.pause()
  }

  resume(): void {
    this.#connection.resume()
  }

  get topics(): ReadonlySet<string> {
    return this.#shared.topics.topicsOf(this)
  }

  subscribe(topic: string): boolean {
    return this.#connection.state === 'open' && this.#shared.topics.subscribe(this, topic)
  }

  unsubscribe(topic: string): boolean {
    return this.#shared.topics.unsubscribe(this, topic)
  }

  [openPipe](events: PipeEvents): MessagePipe {
    if (this.#pipe !== undefined) refusePipe('this socket is a stream already')
    if (this.#connection.streamsMessages)
      refusePipe('the messages of this socket go to `messageStream`: have `upgrade` answer without it')
    if (this.readyState !== 1) refusePipe('this socket is closing or closed')
    this.#pipe = new SocketPipe(this, events)
    return this.#pipe
  }

  /** Whether a stream has taken over. */
  get isPiped(): boolean {
    return this.#pipe !== undefined
  }

  /** Hands a message to the stream that has taken over. Returns false without a stream. */
  pipe(message: string | Uint8Array): boolean {
    if (this.#pipe === undefined) return false
    this.#pipe.events.message(message)
    return true
  }

  /** Makes the peer's messages wait until `handlerDone` has been called as often as this. */
  awaitHandler(): void {
    this.#handlers += 1
    this.#connection.awaitHandler()
  }

  handlerDone(): void {
    this.#handlers -= 1
    if (this.#handlers === 0) this.#connection.handlerDone()
  }

  /** Delivers the messages that arrived before the decision on the handshake. Called once, after `open`. */
  receive(ahead: Uint8Array): void {
    this.#connection.received(ahead, 0, ahead.length)
  }

  /** Ends the connection for a fault on this side. */
  fail(code: number, reason: string): void {
    this.#connection.fail(code, reason)
  }

  /** The queued bytes are written. */
  tellDrained(): void {
    this.#isBehind = false
    this.#waiters?.tellDrained()
    this.#pipe?.events.drain()
  }

  /** The queued bytes will never be written. */
  tellClosing(): void {
    const waiters = this.#waiters
    this.#waiters = undefined
    waiters?.tellClosing()
  }

  /** The connection ends with an error. */
  tellError(error: Error): void {
    this.#pipe?.fail(error)
  }

  /** The connection is closed. */
  tellClosed(result: CloseResult): void {
    this.#shared.topics.leave(this)
    this.#result = result
    this.#lifetime?.end(result)
    this.#pipe?.closed(result)
  }

  /** Whether an error is only the consequence of the aborted `signal`. */
  explains(error: unknown): boolean {
    return this.#lifetime?.explains(error) === true
  }

  /** Counts a tick of the heartbeat, and returns the number of ticks since the peer was heard. */
  countSilence(): number {
    this.#silentTicks = this.#connection.takeActivity() ? this.#firstTicks : this.#silentTicks + 1
    return this.#silentTicks
  }

  /** Sends a Ping with a number that identifies its Pong. */
  pingForLife(): void {
    this.#pings += 1
    this.#pingedAt = this.#shared.settings.ports.clock.now()
    this.#shared.observer.pinged()
    this.ping(this.#lifePayload())
  }

  /** A Pong arrived. If it answers the last Ping of the heartbeat, it gives the round-trip time. */
  tellPong(payload: Uint8Array): void {
    if (this.#pings === 0 || payload.toString() !== this.#encode(this.#lifePayload()).toString()) return
    this.#latencyMs = this.#shared.settings.ports.clock.now() - this.#pingedAt
    this.#shared.observer.roundTrip(this, this.#latencyMs)
  }

  #askedWaiters(): Waiters {
    this.#waiters ??= new Waiters()
    return this.#waiters
  }

  #askedLifetime(): Lifetime {
    this.#lifetime ??= new Lifetime(this.#shared.settings.ports.random, this.#result)
    return this.#lifetime
  }

  /** For `JSON.stringify`. Omits `data`, which may be anything, and the header fields of the request. */
  toJSON(): object {
    const { id, readyState, remoteAddress, protocol, extensions, bufferedAmount } = this
    return { id, url: this.request.url, readyState, remoteAddress, protocol, extensions, bufferedAmount }
  }

  /** @param bytes length of the content, of a text in UTF-8 */
  #observe(result: SendResult, content: string | Uint8Array, bytes: number): SendResult {
    const observer = this.#shared.observer
    if (result === 'sent') observer.sent(bytes)
    else this.#observeLimit(result, bytes)
    if (observer.watchesSending) observer.publishSending(this, content, result)
    return result
  }

  /** A message was sent, and not simply taken. */
  #observeLimit(result: SendResult, bytes: number): void {
    if (result === 'dropped') this.#shared.observer.dropped(this)
    if (result !== 'buffered') return
    this.#shared.observer.sent(bytes)
    if (this.#isBehind) return
    this.#isBehind = true
    this.#shared.observer.backpressure(this)
  }

  #lifePayload(): string {
    return `heartbeat ${this.#pings}`
  }

  #encode(text: string): Uint8Array {
    return textToBytes(this.#shared.settings.ports.payload, text)
  }
}

const stateNames = { 1: 'OPEN', 2: 'CLOSING', 3: 'CLOSED' } as const

showAs(
  ServerConnection.prototype,
  (socket) => ({ ...socket.toJSON(), readyState: stateNames[socket.readyState], data: socket.data }),
  'ServerSocket',
)
