import type { TransportError } from '../../core/errors.js'
import type { Timer } from '../../ports/clock.js'
import type { Transport, TransportSink } from '../../ports/transport.js'
import type { BunApi, BunListener } from './bun-sockets.js'
import { BunTransport, type BunTransportSettings, type TransportSocketEvents } from './bun-transport.js'

const loopback = '127.0.0.1'

/** Milliseconds that the echo may take. */
const patienceMs = 1000

const inOnePiece = Uint8Array.of(0x6f, 0x6e, 0x65, 0x00)
const inTwoPieces = [Uint8Array.of(0x74, 0x77), Uint8Array.of(0x6f, 0xfe)] as const
const echoed = [...inOnePiece, ...inTwoPieces[0], ...inTwoPieces[1]].join()

/** The trial of Bun's sockets, which is made once, when its outcome is asked for first. */
export class BunTrial {
  readonly #bun: BunApi
  readonly #settings: BunTransportSettings
  #outcome: Promise<string | undefined> | undefined
  #hasFailed = false

  constructor(bun: BunApi, settings: Pick<BunTransportSettings, 'clock' | 'explain'>) {
    this.#bun = bun
    this.#settings = { ...settings, encrypted: false }
  }

  /** Whether the trial was made and the sockets did not pass it. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  /** Resolves with the reason why the sockets can't be used, or with undefined. */
  outcome(): Promise<string | undefined> {
    this.#outcome ??= new Echo(this.#bun, this.#settings).outcome.then((why) => {
      this.#hasFailed = why !== undefined
      // A machine that is busy, or out of descriptors, fails once: the next call tries again.
      if (this.#hasFailed) this.#outcome = undefined
      return why
    })
    return this.#outcome
  }
}

/** An echo over loopback between two `BunTransport`s, which end both sides and close. */
class Echo {
  readonly outcome: Promise<string | undefined>
  readonly #settings: BunTransportSettings
  readonly #open: Transport[] = []
  readonly #timer: Timer
  #listener: BunListener | undefined
  #settle!: (why: string | undefined) => void
  #closed = 0

  constructor(bun: BunApi, settings: BunTransportSettings) {
    this.#settings = settings
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve
    })
    this.#timer = settings.clock.after(patienceMs, () => this.#end('an echo by Bun.listen took too long'))
    try {
      this.#listener = bun.listen({
        hostname: loopback,
        port: 0,
        allowHalfOpen: true,
        socket: this.#events(this.#echo),
      })
      const { port = 0 } = this.#listener
      const data = new BunTransport(settings)
      const socket = this.#events((transport) => this.#speak(transport), data)
      bun.connect({ hostname: loopback, port, allowHalfOpen: true, socket, data }).then(
        () => {},
        (error: Error) => this.#end(`Bun.connect failed: ${error.message}`),
      )
    } catch (error) {
      this.#end(`Bun.listen failed: ${(error as Error).message}`)
    }
  }

  #events(begin: (transport: BunTransport) => void, connecting?: BunTransport): TransportSocketEvents {
    return {
      ...BunTransport.events,
      open: (socket) => {
        const transport = connecting ?? new BunTransport(this.#settings, socket)
        connecting?.connected(socket)
        this.#open.push(transport)
        begin(transport)
      },
    }
  }

  readonly #echo = (transport: BunTransport): void => {
    transport.start(
      this.#sink({
        received: (bytes, start, end) => transport.write(bytes.subarray(start, end)),
        ended: () => transport.end(),
      }),
    )
  }

  #speak(transport: BunTransport): void {
    const heard: number[] = []
    transport.start(
      this.#sink({
        received(bytes, start, end) {
          heard.push(...bytes.subarray(start, end))
          if (heard.length === inOnePiece.length) transport.write(...inTwoPieces)
          else if (heard.length > inOnePiece.length) transport.end()
        },
        ended: () => {
          if (heard.join() !== echoed) this.#end('an echo by Bun.listen came back changed')
        },
      }),
    )
    transport.write(inOnePiece)
  }

  #sink(events: Pick<TransportSink, 'received' | 'ended'>): TransportSink {
    return {
      ...events,
      drained() {},
      closed: (error?: Error) => {
        this.#closed += 1
        if (error !== undefined) this.#end(`an echo by Bun.listen failed: ${(error as TransportError).message}`)
        else if (this.#closed === 2) this.#end(undefined)
      },
    }
  }

  #end(why: string | undefined): void {
    this.#timer.cancel()
    this.#listener?.stop()
    this.#settle(why)
    for (const transport of this.#open) transport.destroy()
  }
}
