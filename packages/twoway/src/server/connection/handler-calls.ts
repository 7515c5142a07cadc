import type { CloseResult, ConnectionEvents } from '../../core/connection-types.js'
import { asTransportError } from '../../core/errors.js'
import { isThenable } from '../../core/is-thenable.js'
import type { MessageReader } from '../../core/receiving/message-reader.js'
import { isError } from '../../core/value-kinds.js'
import type { Loss } from '../../ports/transport.js'
import type { Observer } from '../observing/observer.js'
import type { HandlerName } from '../server-diagnostics.js'
import type { ServerSettings } from '../server-settings.js'
import { UserMessageStream } from '../streaming/message-stream.js'
import type { ServerConnection } from './server-connection.js'

type Handler<Data, Argument> = (socket: ServerConnection<Data>, argument: Argument) => unknown

/**
 * Calls the user's handlers for all connections of a server. If a handler throws or rejects, `error` is called and the
 * connection closes with 1011. If `error` itself throws, the error is reported to the operator of the program.
 */
export class HandlerCalls<Data> implements ConnectionEvents<ServerConnection<Data>> {
  readonly #settings: ServerSettings<Data>
  readonly #observer: Observer
  readonly #onClosed: (socket: ServerConnection<Data>) => void

  /** @param onClosed called before the `close` handler */
  constructor(settings: ServerSettings<Data>, observer: Observer, onClosed: (socket: ServerConnection<Data>) => void) {
    this.#settings = settings
    this.#observer = observer
    this.#onClosed = onClosed
  }

  /** The next message may build on the work of `open`, as on that of `message`, so `sequential` waits for it. */
  open(socket: ServerConnection<Data>): void {
    this.#observer.opened(socket)
    const { handlers, sequential } = this.#settings
    this.#call('open', socket, handlers.open, undefined, sequential)
  }

  message(socket: ServerConnection<Data>, message: string | Uint8Array): void {
    this.#observer.received(socket, message)
    if (socket.pipe(message)) return
    const { handlers, sequential } = this.#settings
    this.#call('message', socket, handlers.message, message, sequential)
  }

  /** A message whose reader has not begun when the handler is done is dropped. */
  messageStream(socket: ServerConnection<Data>, message: MessageReader): void {
    const { handlers, limits, ports, sequential } = this.#settings
    this.#observer.receivedStream()
    const stream = new UserMessageStream(message, {
      payload: ports.payload,
      maxBytes: limits.maxMessageBytes,
      onTooLong: (error) => socket.fail(error.closeCode, error.reason),
    })
    const done = (): void => {
      if (!stream.isTaken) message.discard()
      if (sequential) message.release()
    }
    if (sequential) message.acquire()
    try {
      const returned = this.#run('messageStream', socket, handlers.messageStream!, stream)
      if (isThenable(returned)) {
        returned.then(done, (error: unknown) => {
          this.#failed(socket, error)
          done()
        })
      } else {
        done()
      }
    } catch (error) {
      this.#failed(socket, error)
      done()
    }
  }

  drain(socket: ServerConnection<Data>): void {
    socket.tellDrained()
    this.#call('drain', socket, this.#settings.handlers.drain, undefined, false)
  }

  pong(socket: ServerConnection<Data>, payload: Uint8Array): void {
    socket.tellPong(payload)
  }

  closing(socket: ServerConnection<Data>): void {
    socket.tellClosing()
  }

  closeTimedOut(socket: ServerConnection<Data>): void {
    this.#observer.limitReached('closeTimeoutMs', socket.remoteAddress, socket)
  }

  closed(socket: ServerConnection<Data>, result: CloseResult): void {
    this.#onClosed(socket)
    socket.tellClosed(result)
    this.#observer.closed(socket, result)
    this.#call('close', socket, this.#settings.handlers.close, result, false)
  }

  /** A fault of the peer or the network: `error` is called. Without that handler it is not reported, as the program is not at fault. */
  error(socket: ServerConnection<Data>, error: Error): void {
    socket.tellError(error)
    this.#observer.failed(error, socket)
    this.#tell(socket, error)
  }

  /** As `error`, but the error is made only if other code sees it. */
  lost(socket: ServerConnection<Data>, loss: Loss): void {
    const isSeen = this.#settings.handlers.error !== undefined || this.#observer.watchesErrors || socket.isPiped
    if (isSeen || typeof loss !== 'function') this.error(socket, asTransportError(loss))
    else this.#observer.countLoss()
  }

  /** A handler threw when there was no connection. */
  failedWithoutSocket(error: unknown): void {
    this.#observer.failed(error)
    if (!this.#tell(undefined, asError(error))) this.#settings.ports.report(error)
  }

  /** @param isWaitedFor whether the next message waits for the promise of the handler */
  #call<Argument>(
    name: HandlerName,
    socket: ServerConnection<Data>,
    handler: Handler<Data, Argument> | undefined,
    argument: Argument,
    isWaitedFor: boolean,
  ): void {
    try {
      if (handler === undefined) return
      const returned = this.#run(name, socket, handler, argument)
      if (!isThenable(returned)) return
      if (isWaitedFor) socket.awaitHandler()
      const done = isWaitedFor ? () => socket.handlerDone() : undefined
      returned.then(done, (error: unknown) => {
        this.#failed(socket, error)
        done?.()
      })
    } catch (error) {
      this.#failed(socket, error)
    }
  }

  #run<Argument>(
    name: HandlerName,
    socket: ServerConnection<Data>,
    handler: Handler<Data, Argument>,
    argument: Argument,
  ): unknown {
    if (!this.#observer.watchesHandlers) return handler.call(this.#settings.handlers, socket, argument)
    return this.#runWatched(name, socket, handler, argument)
  }

  /** A function of its own: V8 allocates a context on each call of a function that contains a closure. */
  #runWatched<Argument>(
    name: HandlerName,
    socket: ServerConnection<Data>,
    handler: Handler<Data, Argument>,
    argument: Argument,
  ): unknown {
    const call = () => handler.call(this.#settings.handlers, socket, argument)
    return this.#observer.callHandler(name, socket, argument, call)
  }

  #failed(socket: ServerConnection<Data>, error: unknown): void {
    if (socket.explains(error)) return
    this.#observer.failed(error, socket)
    socket.fail(1011, 'the server failed on this message')
    if (!this.#tell(socket, asError(error))) this.#settings.ports.report(error)
  }

  /** Calls `error`. Returns false if there is no such handler. */
  #tell(socket: ServerConnection<Data> | undefined, error: Error): boolean {
    const { handlers, ports } = this.#settings
    if (handlers.error === undefined) return false
    try {
      const returned = handlers.error(socket, error)
      if (isThenable(returned)) returned.then(undefined, (failure: unknown) => ports.report(failure))
    } catch (failure) {
      ports.report(failure)
    }
    return true
  }
}

function asError(error: unknown): Error {
  return isError(error) ? error : new Error('a handler threw a value that is not an Error', { cause: error })
}
