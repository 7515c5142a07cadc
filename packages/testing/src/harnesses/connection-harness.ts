import { Connection, usualConduct } from '../../../twoway/dist/core/connection.js'
import type { ConnectionEvents } from '../../../twoway/dist/core/connection-types.js'
import { ProtocolError } from '../../../twoway/dist/core/errors.js'
import type { Extension } from '../../../twoway/dist/core/extensions/extension.js'
import { type Limits, serverLimits } from '../../../twoway/dist/core/limits.js'
import type { MessageReader } from '../../../twoway/dist/core/receiving/message-reader.js'
import type { ReadTurns } from '../../../twoway/dist/core/receiving/read-turns.js'
import type { ReceiveRates } from '../../../twoway/dist/core/receiving/receive-rate.js'
import { ScratchPool } from '../../../twoway/dist/core/sending/scratch-pool.js'
import type { MemoryBudget, MemoryHolder } from '../../../twoway/dist/ports/memory-budget.js'
import { webPayload } from '../../../twoway/dist/runtimes/web/payload.js'
import { toHex } from '../bytes.js'
import { FakeClock } from './fake-clock.js'
import { RecordingTransport } from './recording-transport.js'

export interface HarnessOptions {
  readonly role?: 'client' | 'server'
  readonly limits?: Partial<Limits>
  readonly rates?: Partial<ReceiveRates>
  readonly whenBufferFull?: 'close' | 'drop'
  readonly extension?: Extension
  readonly receiveBudget?: MemoryBudget
  readonly readTurns?: ReadTurns
  /** A pool that connections share. Each has its own by default. */
  readonly scratchPool?: ScratchPool
  /** Runs in the middle of parsing, after the message was logged. */
  readonly onMessage?: (message: string | Uint8Array, harness: ConnectionHarness) => void
  /** Takes each message while it arrives, in place of `onMessage`. */
  readonly onStream?: (message: MessageReader, harness: ConnectionHarness) => void
}

/** A connection over a recording transport, with a fake clock and a log of its events. */
export class ConnectionHarness {
  readonly clock = new FakeClock()
  readonly transport = new RecordingTransport()
  readonly log: string[] = []
  readonly connection: Connection<ConnectionHarness>
  readonly receiveBudget: MemoryBudget | undefined
  /** The part of the connection that opened a share of the budget. */
  #holder: MemoryHolder | undefined

  constructor({
    role = 'server',
    limits,
    rates,
    whenBufferFull = 'close',
    extension,
    receiveBudget,
    readTurns,
    scratchPool = new ScratchPool(webPayload),
    onMessage,
    onStream,
  }: HarnessOptions = {}) {
    this.receiveBudget = receiveBudget
    const events: ConnectionEvents<ConnectionHarness> = {
      message(harness, message) {
        harness.log.push(typeof message === 'string' ? `text ${message}` : `binary ${toHex(message)}`)
        onMessage?.(message, harness)
      },
      messageStream: (harness, message) => onStream?.(message, harness),
      drain: (harness) => harness.log.push('drain'),
      pong: (harness, payload) => harness.log.push(`pong ${toHex(payload)}`),
      closing: (harness) => harness.log.push('closing'),
      error: (harness, error) =>
        harness.log.push(`error ${error instanceof ProtocolError ? error.code : error.message}`),
      closed: (harness, { code, reason, wasClean }) =>
        harness.log.push(`closed ${code} "${reason}" ${wasClean ? 'clean' : 'unclean'}`),
    }
    this.connection = new Connection({
      role,
      transport: this.transport,
      ports: {
        payload: webPayload,
        clock: this.clock,
        random: { maskingKey: () => 0x3d21fa37, bytes: (length) => new Uint8Array(length) },
        scratchPool,
      },
      limits: { ...serverLimits, ...limits },
      rates: rates && { ...serverLimits, ...rates },
      conduct: { ...usualConduct, whenBufferFull },
      extension,
      sharedInput: receiveBudget && { budget: this.#watched(receiveBudget), turns: readTurns },
      streamsMessages: onStream !== undefined,
      owner: this,
      events,
    })
    this.transport.start(this.connection)
  }

  #watched(budget: MemoryBudget): MemoryBudget {
    return {
      limit: budget.limit,
      get used() {
        return budget.used
      },
      open: (holder) => {
        this.#holder = holder
        return budget.open(holder)
      },
    }
  }

  /** Takes the memory of incomplete input away, as the budget does when it is exceeded. */
  evict(): void {
    if (this.#holder === undefined) throw new Error('the connection holds nothing')
    this.#holder.evict()
  }

  /** Delivers a copy of the bytes as one read. */
  receive(bytes: Uint8Array): void {
    const copy = bytes.slice()
    this.connection.received(copy, 0, copy.length)
  }
}
