import type { SendResult } from '../../../twoway/dist/core/connection-types.js'
import { type MessagePipe, openPipe, type PipeEvents } from '../../../twoway/dist/core/message-pipe.js'
import { joinPrepared, prepareMessage, sendJoined, sendPrepared } from '../../../twoway/dist/core/prepared-message.js'
import type { LinkSocket } from '../../../twoway/dist/link/link-types.js'
import type { Clock } from '../../../twoway/dist/ports/clock.js'
import type { Chance } from './chance.js'

type Handler = ((event: never) => void) | null
type Message = string | Uint8Array

interface Prepared {
  readonly length: number
  readonly message: Message
}

interface PreparedRun {
  readonly messages: readonly { readonly length: number }[]
}

/** The server of simulated connections: it frames nothing. */
export const simulatedServer = {
  [prepareMessage]: (message: Message): Prepared => ({ length: message.length, message }),
  [joinPrepared]: (messages: PreparedRun['messages']): PreparedRun => ({ messages }),
}

/** Messages on their way that fill the buffer of the sender, and those at which it has drained. */
const fullAt = 30
const drainedAt = 10

/**
 * A connection between a link and a hub in simulated time: messages take time and keep their order. It can be cut, which
 * loses the messages on their way, and it can stall, which neither side notices.
 */
export class SimulatedConnection {
  readonly client: ClientEnd
  readonly server: ServerEnd
  isOpen = false
  isStalled = false
  /** Whether the client reads slowly. */
  isSlow = false
  readonly #clock: Clock
  readonly #chance: Chance
  #upUntil = 0
  #downUntil = 0
  #down = 0

  constructor(client: ClientEnd, id: string, { clock, chance }: { readonly clock: Clock; readonly chance: Chance }) {
    this.client = client
    this.server = new ServerEnd(id, this)
    this.#clock = clock
    this.#chance = chance
  }

  open(): void {
    this.isOpen = true
    this.client.onopen?.({} as never)
  }

  /** To the server. */
  up(message: Message): void {
    this.#upUntil = this.#pass(this.#upUntil, 20, () => this.server.events?.message(message))
  }

  /** To the client. */
  down(message: Message): SendResult {
    if (!this.isOpen) return 'closed'
    this.#down += 1
    const data = typeof message === 'string' ? message : message.slice().buffer
    this.#downUntil = this.#pass(this.#downUntil, this.isSlow ? 300 : 20, () => {
      this.client.onmessage?.({ data } as never)
      this.#down -= 1
      if (this.#down === drainedAt) this.server.drained()
    })
    return this.#down > fullAt ? 'buffered' : 'sent'
  }

  /** Ends it. Each side learns of it in its own time, or the client never does. */
  end(code: number, { tellsClient = true, tellsServer = true } = {}): void {
    if (!this.isOpen) return
    // A Close comes behind the messages that were sent before it.
    const close = (): void => this.client.onclose?.({ code, reason: '' } as never)
    const isClose = code >= 4000 || code === 1013
    if (isClose) this.#downUntil = this.#pass(this.#downUntil, 20, close)
    this.isOpen = isClose
    const { server } = this
    if (!isClose && tellsClient) this.#clock.after(this.#chance.below(50), close)
    if (tellsServer) this.#clock.after(this.#chance.below(200), () => server.end(code))
  }

  #pass(until: number, most: number, arrive: () => void): number {
    const now = this.#clock.now()
    const due = Math.max(until, now + this.#chance.below(most))
    this.#clock.after(due - now, () => {
      if (this.isOpen && !this.isStalled) arrive()
    })
    return due
  }
}

/** The end of the link: a WebSocket. */
export class ClientEnd implements LinkSocket {
  binaryType = ''
  protocol = 'twoway.1'
  onopen: Handler = null
  onmessage: Handler = null
  onclose: Handler = null
  onerror: Handler = null
  connection: SimulatedConnection | undefined

  send(message: Message): void {
    if (this.connection?.isOpen === true) this.connection.up(message)
  }

  close(): void {
    this.connection?.end(1000, { tellsClient: false })
  }
}

/** The end of the hub: a connection of a server. */
export class ServerEnd {
  readonly id: string
  readonly protocol = 'twoway.1'
  readonly request = {}
  readonly data = undefined
  readonly server = simulatedServer
  events: PipeEvents | undefined
  readonly #connection: SimulatedConnection

  constructor(id: string, connection: SimulatedConnection) {
    this.id = id
    this.#connection = connection
  }

  [openPipe](events: PipeEvents): MessagePipe {
    this.events = events
    return {
      isOpen: true,
      send: (message) => this.send(message as Message) === 'sent',
      pause: () => undefined,
      resume: () => undefined,
      close: () => this.close(1000),
      terminate: () => this.close(1006),
    }
  }

  send(message: Message): SendResult {
    return this.#connection.down(message)
  }

  [sendPrepared](prepared: { readonly length: number }): SendResult {
    return this.send((prepared as Prepared).message)
  }

  [sendJoined]({ messages }: PreparedRun): SendResult {
    let result: SendResult = 'sent'
    for (const message of messages) result = this[sendPrepared](message)
    return result
  }

  close(code: number): void {
    this.#connection.end(code)
  }

  drained(): void {
    this.events?.drain()
  }

  end(code: number): void {
    const { events } = this
    this.events = undefined
    events?.closed({ code, reason: '', wasClean: false }, undefined)
  }
}
