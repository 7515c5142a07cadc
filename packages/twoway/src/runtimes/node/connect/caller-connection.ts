import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { TransportError } from '../../../core/errors.js'
import { isError } from '../../../core/value-kinds.js'
import type { ConnectTarget, CreateConnection, CreateConnectionOptions } from '../../../ports/connector.js'
import type { Transport } from '../../../ports/transport.js'
import { chooseTransport, type NodeTransport } from '../transport/choose-transport.js'
import { DeferredTransport } from '../transport/deferred-transport.js'
import { explainLoss } from './explain-loss.js'
import { localOf, nameOf, securityOf } from './open-socket.js'
import { publishConnection } from './publish-connection.js'

/** Makes a transport over the stream that a caller's `createConnection` makes, under TLS if the target has it. */
export function connectByCaller(target: ConnectTarget, createConnection: CreateConnection): Transport {
  return new CallerConnection(target, createConnection).transport
}

/** A Duplex, with members that only Node's sockets have. */
type MadeStream = Duplex & {
  readonly encrypted?: boolean
  readonly connecting?: boolean
  readonly secureConnecting?: boolean
}

class CallerConnection {
  readonly transport: DeferredTransport
  readonly #target: ConnectTarget
  #isAbandoned = false
  /** Whether createConnection has given a stream or an error. Anything that it gives later is ignored. */
  #isAnswered = false

  constructor(target: ConnectTarget, createConnection: CreateConnection) {
    this.#target = target
    this.transport = new DeferredTransport(target.tls !== undefined, () => {
      this.#isAbandoned = true
    })
    target.progress?.(`waiting for createConnection to connect to ${nameOf(target)}`)
    try {
      const made = createConnection(optionsOf(target), (error, stream) => {
        // Node's own functions add the callback as a listener of 'connect', and call it without arguments.
        if (error != null) this.#fail(error)
        else if (stream !== undefined) this.#take(stream)
      })
      if (isPromise(made)) {
        made.then(
          (stream) => this.#take(stream),
          (error) => this.#fail(error),
        )
      } else if (made !== undefined && made !== null) {
        this.#take(made)
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  #take(stream: unknown): void {
    if (this.#isAnswered) return
    if (!isDuplex(stream)) {
      this.#fail(new TypeError('createConnection must return a duplex stream, a promise of one, or call back with one'))
      return
    }
    if (stream.destroyed) {
      this.#fail(new Error('the stream that it returned is already destroyed'))
      return
    }
    this.#isAnswered = true
    if (this.#isAbandoned) {
      stream.on('error', () => {})
      stream.destroy()
      return
    }
    const made = this.#transportOver(stream)
    this.transport.settle(made)
    publishConnection(this.#target, made.path)
  }

  #transportOver(stream: MadeStream): NodeTransport {
    const { tls, host, progress = () => {} } = this.#target
    const peer = nameOf(this.#target)
    if (tls === undefined || stream.encrypted === true) {
      let isConnected = stream.connecting !== true && stream.secureConnecting !== true
      progress(isConnected ? undefined : `connecting to ${peer}`)
      stream.once(stream.encrypted === true ? 'secureConnect' : 'connect', () => {
        isConnected = true
        progress(undefined)
      })
      return chooseTransport(stream, {
        keepsStream: true,
        explain: (cause) => explainLoss(this.#target, isConnected, cause),
      })
    }
    progress(`in the TLS handshake with ${peer}`)
    // The TLS socket reports the stream's errors too.
    stream.on('error', () => {})
    let isSecure = false
    const secured = connectTls({ ...securityOf(host, tls), socket: stream })
    secured.once('secureConnect', () => {
      isSecure = true
      progress(undefined)
    })
    return chooseTransport(secured, { explain: (cause) => explainLoss(this.#target, isSecure, cause) })
  }

  #fail(error: unknown): void {
    if (this.#isAnswered) return
    this.#isAnswered = true
    const reason = isError(error) ? error.message : String(error)
    this.transport.fail(
      new TransportError(`can't connect to ${nameOf(this.#target)}: createConnection failed: ${reason}`, {
        cause: error,
      }),
    )
  }
}

function optionsOf({ host, port, socketPath, tls, local }: ConnectTarget): CreateConnectionOptions {
  return {
    ...localOf(local),
    ...(tls === undefined ? {} : securityOf(host, tls)),
    host,
    port,
    ...(socketPath === undefined ? {} : { path: socketPath }),
  } as CreateConnectionOptions
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

function isDuplex(value: unknown): value is Duplex {
  if (typeof value !== 'object' || value === null) return false
  const members = value as Readonly<Record<string, unknown>>
  return ['write', 'pause', 'resume', 'destroy', 'on'].every((name) => typeof members[name] === 'function')
}
