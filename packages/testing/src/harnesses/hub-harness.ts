import { channel } from 'node:diagnostics_channel'
import type { SendResult } from '../../../twoway/dist/core/connection-types.js'
import { type MessagePipe, openPipe, type PipeEvents } from '../../../twoway/dist/core/message-pipe.js'
import { joinPrepared, prepareMessage, sendJoined, sendPrepared } from '../../../twoway/dist/core/prepared-message.js'
import { Hub } from '../../../twoway/dist/hub/hub.js'
import { webPayload } from '../../../twoway/dist/runtimes/web/payload.js'
import { webRandom } from '../../../twoway/dist/runtimes/web/random.js'
import { FakeClock } from './fake-clock.js'

export type HubOptions = ConstructorParameters<typeof Hub>[0]

/** A message of the server; a binary message has `bytes` alone. */
export interface FromServer {
  readonly t?: string
  readonly id?: number
  readonly topic?: string
  readonly at?: readonly [epoch: string, offset: number, mark: string]
  readonly prev?: string
  readonly from?: string
  readonly key?: string
  readonly data?: unknown
  readonly bin?: true
  readonly bytes?: Uint8Array
  readonly count?: number
  readonly recovered?: boolean
  readonly reason?: string
  readonly user?: string
  readonly members?: readonly { readonly user: string }[]
  readonly version?: number
  readonly stale?: boolean
  readonly code?: string
  readonly message?: string
  readonly retry?: number
  readonly items?: readonly unknown[]
}

interface Prepared {
  readonly length: number
  readonly message: string | Uint8Array
}

interface PreparedRun {
  readonly messages: readonly { readonly length: number }[]
}

/** The server of the fake connections. It counts the messages that it frames, and the runs that it joins. */
export class FakeServer {
  framed = 0
  joined = 0;

  [prepareMessage](message: string | Uint8Array): Prepared {
    this.framed += 1
    return { length: message.length, message }
  }

  [joinPrepared](messages: PreparedRun['messages']): PreparedRun {
    this.joined += 1
    return { messages }
  }
}

/** The connection of one client to a hub, without a network. */
export class FakeHubSocket {
  readonly id: string
  readonly protocol = 'twoway.1'
  readonly request: unknown
  /** The result of `upgrade`. */
  readonly data: unknown
  readonly server: FakeServer
  /** All messages that were sent to the client. */
  readonly sent: FromServer[] = []
  #closedWith: { readonly code: number; readonly reason: string } | undefined
  isPaused = false
  /** The result of the next sends. */
  result: SendResult = 'sent'
  /** Called with each message, after it was noted. */
  onMessage: (message: FromServer) => void = () => undefined
  #events!: PipeEvents
  #taken = 0

  constructor(id: string, server: FakeServer, request: unknown, data: unknown) {
    this.id = id
    this.server = server
    this.request = request
    this.data = data
  }

  [openPipe](events: PipeEvents): MessagePipe {
    this.#events = events
    return {
      isOpen: true,
      send: (message) => this.send(message as string | Uint8Array) === 'sent',
      pause: () => {
        this.isPaused = true
      },
      resume: () => {
        this.isPaused = false
      },
      close: () => this.close(1000, ''),
      terminate: () => this.leave(),
    }
  }

  send(message: string | Uint8Array): SendResult {
    if (this.#closedWith !== undefined) return 'closed'
    if (this.result === 'dropped') return 'dropped'
    const noted: FromServer = typeof message === 'string' ? JSON.parse(message) : { bytes: Uint8Array.from(message) }
    this.sent.push(noted)
    this.onMessage(noted)
    return this.result
  }

  [sendPrepared](prepared: { readonly length: number }): SendResult {
    return this.send((prepared as Prepared).message)
  }

  [sendJoined]({ messages }: PreparedRun): SendResult {
    const { result } = this
    if (result !== 'dropped') for (const message of messages) this[sendPrepared](message)
    return result === 'dropped' ? result : this.result
  }

  close(code: number, reason: string): void {
    this.#closedWith ??= { code, reason }
  }

  /** The code with which the server closed the connection. */
  closeCode(): number | undefined {
    return this.#closedWith?.code
  }

  closeReason(): string | undefined {
    return this.#closedWith?.reason
  }

  /** The client sends a message. */
  say(message: object | string): void {
    this.#events.message(
      typeof message === 'string' || message instanceof Uint8Array ? message : JSON.stringify(message),
    )
  }

  /** There is room again, or not. */
  setRoom(hasRoom: boolean): void {
    this.result = hasRoom ? 'sent' : 'buffered'
    if (hasRoom) this.#events.drain()
  }

  /** The connection ends. */
  leave(): void {
    this.#closedWith ??= { code: 1006, reason: '' }
    this.#events.closed({ code: 1006, reason: '', wasClean: false }, undefined)
  }

  /** The messages since the last call. */
  take(): FromServer[] {
    const taken = this.sent.slice(this.#taken)
    this.#taken = this.sent.length
    return taken
  }
}

/** A hub with fake connections and a fake clock. */
export class HubHarness {
  readonly clock = new FakeClock()
  readonly server = new FakeServer()
  readonly reported: unknown[] = []
  readonly hub: Hub
  #connections = 0

  constructor(options: HubOptions = {}) {
    this.hub = new Hub(options, {
      clock: this.clock,
      random: webRandom,
      payload: webPayload,
      diagnostics: { channel },
      report: (error) => this.reported.push(error),
    })
  }

  /** A connection that has not introduced itself. */
  connect(request: unknown = {}, data?: unknown): FakeHubSocket {
    this.#connections += 1
    const socket = new FakeHubSocket(`connection ${this.#connections}`, this.server, request, data)
    this.hub.handlers().open(socket as never)
    return socket
  }

  /** A client that was welcomed. */
  async enter(token?: unknown): Promise<FakeHubSocket> {
    const socket = this.connect()
    socket.say({ t: 'hello', ...(token !== undefined && { token }) })
    await settle()
    socket.take()
    return socket
  }
}

/** Resolves when all promises that can be settled have been. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
