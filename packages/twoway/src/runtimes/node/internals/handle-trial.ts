import { Buffer } from 'node:buffer'
import { getSystemErrorName } from 'node:util'
import { TransportError } from '../../../core/errors.js'
import type { Transport, TransportSink } from '../../../ports/transport.js'
import { HandleTransport } from '../transport/handle-transport.js'
import { noteFallback } from './fallbacks.js'
import { startTask, startTimer, type Timer } from './genuine-timers.js'
import { type HandleRequest, isStreamHandle, type StreamHandle } from './stream-handle.js'
import { type StreamWrap, streamWrap, whyNoStreamWrap } from './stream-wrap.js'
import { type TcpHandle, type TcpWrap, tcpWrap } from './tcp-wrap.js'

const loopback = '127.0.0.1'

/** Milliseconds after which an echo that has not come back is given up. */
const patienceMs = 1000

/**
 * Turns of the event loop that still follow, so that a process that was busy or stopped for as long takes what has arrived
 * meanwhile.
 */
const lastTurns = 100

// Each is sent by another call of the handle: while it connects, in one piece, in two.
const whileConnecting = Uint8Array.of(0x62, 0x65, 0x66, 0x6f, 0x72, 0x65, 0xff)
const inOnePiece = Uint8Array.of(0x6f, 0x6e, 0x65, 0x00)
const inTwoPieces = [Uint8Array.of(0x74, 0x77), Uint8Array.of(0x6f, 0xfe)] as const
const echoed = Buffer.concat([whileConnecting, inOnePiece, ...inTwoPieces])

/** Undefined where the handles do what is expected of them. `isFinal` is false where the trial could not be made. */
type Failure = { readonly why: string; readonly isFinal: boolean } | undefined

let isProven = false
let trial: Promise<void> | undefined

/** Whether the handles were tried and do what is expected of them. */
export function hasHandles(): boolean {
  return isProven
}

/**
 * Tries the handles, once in a thread; resolves once it is known whether they can be used. The trial is an echo over
 * loopback between two transports of ours, which write by each of the calls that there are, end both sides and close.
 * Where it is known that there are no handles, nothing is tried. Where the trial can't be made (no descriptor is left,
 * there is no loopback), the next call makes it again.
 */
export function tryHandles(): Promise<void> {
  trial ??= tryOnce()
  return trial
}

async function tryOnce(): Promise<void> {
  if (streamWrap === undefined) {
    noteFallback('handles', whyNoStreamWrap)
    return
  }
  noteFallback('handles', 'they are being tried')
  const failure = await new Trial(streamWrap).outcome
  isProven = failure === undefined
  noteFallback('handles', failure?.why)
  if (failure?.isFinal === false) trial = undefined
}

/** One echo. Every step runs within `#step`, as what is thrown within a native callback ends the process. */
class Trial {
  readonly outcome: Promise<Failure>
  readonly #streams: StreamWrap
  /** What may be open at the end. */
  readonly #ends: { close(): void }[] = []
  readonly #timer: Timer
  #settle!: (failure: Failure) => void
  #isSettled = false
  #closed = 0

  constructor(streams: StreamWrap) {
    this.#streams = streams
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve
    })
    this.#timer = startTimer(() => this.#lastTurn(lastTurns), patienceMs)
    this.#step(() => this.#listen(tcpWrap()))
  }

  #listen(tcp: TcpWrap): void {
    const server = new tcp.TCP(tcp.constants.SERVER)
    this.#ends.push(server)
    const name: { port?: number } = {}
    const error = server.bind(loopback, 0) || server.listen(1) || server.getsockname(name)
    if (error === 0) this.#connect(tcp, server, name.port!)
    else this.#giveUp(error)
  }

  #connect({ TCP, TCPConnectWrap, constants }: TcpWrap, server: TcpHandle, port: number): void {
    const handle = new TCP(constants.SOCKET)
    if (!isStreamHandle(handle)) throw new Error('a TCP handle is not as known of Node')
    const end = { close: () => handle.close() }
    this.#ends.push(end)
    const own: { port?: number } = {}
    server.onconnection = (status, accepted) => this.#step(() => this.#accept(status, accepted, own.port))
    const request = new TCPConnectWrap()
    let missing = 2
    const next = (): void => {
      missing -= 1
      if (missing > 0) return
      // It is the transport's from here on.
      this.#ends.splice(this.#ends.indexOf(end), 1)
      this.#step(() => this.#echo(handle))
    }
    request.oncomplete = (status) => {
      if (status === 0) next()
      else this.#giveUp(status)
    }
    const error = handle.connect(request, loopback, port) || handle.getsockname(own)
    if (error === 0) this.#writeWhileConnecting(handle, next)
    else this.#giveUp(error)
  }

  #accept(status: number, handle: unknown, port: number | undefined): void {
    if (status !== 0) {
      this.#giveUp(status)
      return
    }
    if (!isStreamHandle(handle)) throw new Error('a TCP handle that was accepted is not as known of Node')
    const far = new HandleTransport(handle)
    const { peer } = far
    if (peer.address !== loopback) this.#fail(`a handle takes its peer for ${String(peer.address)}`)
    // Whoever else finds the port within these milliseconds is not served.
    if (peer.address !== loopback || peer.port !== port) far.destroy()
    else this.#begin(far, (bytes) => far.write(bytes.subarray(0, 3), bytes.subarray(3)))
  }

  /** A connection stands in a later turn than it was begun in: what is written meanwhile goes on after the call. */
  #writeWhileConnecting(handle: StreamHandle, done: () => void): void {
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = this.#streams
    const request: HandleRequest = new WriteWrap()
    request.oncomplete = (status) => {
      if (status === 0) done()
      else this.#fail(`a write to a handle fails with ${String(status)}`)
    }
    const error = handle.writeBuffer(request, whileConnecting)
    if (error !== 0) this.#fail(`a write to a handle returns ${String(error)}`)
    else if (streamBaseState[kLastWriteWasAsync] !== 1 || handle.writeQueueSize !== whileConnecting.length) {
      this.#fail('a handle does not tell that a write goes on')
    }
  }

  #echo(handle: StreamHandle): void {
    const near = new HandleTransport(handle)
    this.#begin(near, () => near.end())
    near.write(inOnePiece)
    near.write(...inTwoPieces)
  }

  /** `whole` is called once all has come that is to be echoed. */
  #begin(transport: Transport, whole: (bytes: Uint8Array) => void): void {
    this.#ends.push({ close: () => transport.destroy() })
    let received = Buffer.alloc(0)
    const sink: TransportSink = {
      received: (bytes, start, end) =>
        this.#step(() => {
          received = Buffer.concat([received, bytes.subarray(start, end)])
          if (!received.equals(echoed.subarray(0, received.length)))
            this.#fail('a handle reads other bytes than were sent')
          else if (received.length === echoed.length) whole(received)
        }),
      drained: () => {},
      ended: () => this.#step(() => transport.end()),
      closed: (error) => {
        this.#closed += 1
        if (error !== undefined) this.#fail(`a handle fails: ${whyOf(error)}`)
        else if (this.#closed === 2) this.#end(undefined)
      },
    }
    transport.start(sink)
  }

  #lastTurn(left: number): void {
    if (this.#isSettled) return
    if (left === 0) this.#fail(`an echo over loopback did not come back within ${patienceMs} ms`)
    else startTask(() => this.#lastTurn(left - 1))
  }

  #step(step: () => void): void {
    if (this.#isSettled) return
    try {
      step()
    } catch (error) {
      this.#fail((error as Error).message)
    }
  }

  #fail(why: string): void {
    this.#end({ why, isFinal: true })
  }

  #giveUp(error: number): void {
    this.#end({ why: `they could not be tried over loopback: ${getSystemErrorName(error)}`, isFinal: false })
  }

  #end(failure: Failure): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#timer.close()
    for (const end of this.#ends) {
      try {
        end.close()
      } catch {
        // What the failure is about may well have no way to close.
      }
    }
    this.#settle(failure)
  }
}

function whyOf(error: Error): string {
  const cause = error instanceof TransportError ? (error.cause as Error | undefined) : undefined
  return cause?.message ?? error.message
}
