import { Buffer } from 'node:buffer'
import { getSystemErrorName } from 'node:util'
import { errorOf, TransportError } from '../../../core/errors.js'
import type { Transport, TransportSink } from '../../../ports/transport.js'
import { HandleTransport } from '../transport/handle-transport.js'
import { noteFallback } from './fallbacks.js'
import { firstReads } from './first-reads.js'
import { startTask, startTimer, type Timer } from './genuine-timers.js'
import { type HandleRequest, isStreamHandle, type StreamHandle } from './stream-handle.js'
import { type StreamWrap, streamWrap, whyNoStreamWrap } from './stream-wrap.js'
import { type TcpHandle, type TcpWrap, tcpWrap } from './tcp-wrap.js'

const loopback = '127.0.0.1'

/** Milliseconds that the echo may take. */
const patienceMs = 1000

/**
 * Turns of the event loop that follow the timeout: a process that was busy or stopped for so long can then read the bytes
 * that arrived meanwhile.
 */
const lastTurns = 100

// Each text is sent by another call of the handle: while it connects, in one piece, in two pieces.
const whileConnecting = Uint8Array.of(0x62, 0x65, 0x66, 0x6f, 0x72, 0x65, 0xff)
const inOnePiece = Uint8Array.of(0x6f, 0x6e, 0x65, 0x00)
const inTwoPieces = [Uint8Array.of(0x74, 0x77), Uint8Array.of(0x6f, 0xfe)] as const
const echoed = Buffer.concat([whileConnecting, inOnePiece, ...inTwoPieces])

/** The reason why handles can't be used; undefined if they passed the trial. `isFinal` is false if the trial could not be made. */
type Failure = { readonly why: string; readonly isFinal: boolean } | undefined

let isProven = false
let trial: Promise<void> | undefined

/** Whether the handles were tried and passed. */
export function hasHandles(): boolean {
  return isProven
}

/**
 * Tries the handles once per thread. Resolves when the trial has ended. The trial is an echo over loopback between two
 * `HandleTransport`s, which write by each call of the handle, end both sides and close. If this runtime has no handles,
 * there is no trial. If the trial can't be made (no descriptor is left, there is no loopback), the next call repeats it.
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

/** One echo. Every step runs within `#step`, because an error within a native callback ends the process. */
class Trial {
  readonly outcome: Promise<Failure>
  readonly #streams: StreamWrap
  /** The objects to close at the end. */
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
    if (!isStreamHandle(handle)) throw new Error('a TCP handle has an unknown shape')
    const end = { close: () => handle.close() }
    this.#ends.push(end)
    const own: { port?: number } = {}
    server.onconnection = (status, accepted) => this.#step(() => this.#accept(status, accepted, own.port))
    const request = new TCPConnectWrap()
    let missing = 2
    const next = (): void => {
      missing -= 1
      if (missing > 0) return
      // The transport owns it now.
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
    if (!isStreamHandle(handle)) throw new Error('a TCP handle that was accepted has an unknown shape')
    const peer: { address?: string; port?: number } = {}
    handle.getpeername?.(peer)
    if (peer.address !== loopback) this.#fail(`a handle takes its peer for ${String(peer.address)}`)
    this.#ends.push({ close: () => handle.close() })
    const read = firstReads((_handle, length, bytes) => this.#step(() => this.#answer(handle, length, bytes)))
    // Other programs that connect to the port meanwhile are not served.
    if (peer.address !== loopback || peer.port !== port) handle.close()
    else if (!read(handle)) this.#fail('a handle that was accepted does not read')
  }

  #answer(handle: StreamHandle, length: number, bytes: ArrayBuffer | undefined): void {
    const far = new HandleTransport(handle, { head: new Uint8Array(bytes!, 0, length) })
    this.#begin(far, (whole) => far.write(whole.subarray(0, 3), whole.subarray(3)))
  }

  /** The connection opens in a later turn than this one, so bytes written before that are written asynchronously. */
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

  /** @param whole called when all bytes to echo have arrived */
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
      closed: (loss) => {
        this.#closed += 1
        if (loss !== undefined) this.#fail(`a handle fails: ${whyOf(errorOf(loss))}`)
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
        // The object that has failed may have no method to close.
      }
    }
    this.#settle(failure)
  }
}

function whyOf(error: Error): string {
  const cause = error instanceof TransportError ? (error.cause as Error | undefined) : undefined
  return cause?.message ?? error.message
}
