import type { CloseResult } from '../../core/connection-types.js'
import { TransportError, UsageError } from '../../core/errors.js'
import type { MessagePipe, PipeEvents } from '../../core/message-pipe.js'
import type { ServerSocket } from '../server-types.js'

/** Refuses a stream that asks for the messages of a socket. */
export function refusePipe(message: string): never {
  throw new UsageError('streamImpossible', message)
}

/** An open socket whose messages go to a stream. */
export class SocketPipe implements MessagePipe {
  readonly isOpen = true
  readonly events: PipeEvents
  readonly #socket: ServerSocket<unknown>
  #error: Error | undefined

  constructor(socket: ServerSocket<unknown>, events: PipeEvents) {
    this.#socket = socket
    this.events = events
  }

  send(message: string | ArrayBuffer | ArrayBufferView): boolean {
    const result = this.#socket.send(message)
    if (result === 'closed' || result === 'dropped') throw new TransportError(`the message is not sent: ${result}`)
    return result === 'sent'
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#socket.close(1000)
    this.#socket.resume()
  }

  terminate(): void {
    this.#socket.terminate()
  }

  /** The connection ends with an error. */
  fail(error: Error): void {
    this.#error = error
  }

  closed(result: CloseResult): void {
    const lost = (): Error =>
      this.#error ?? new TransportError('the connection was lost before both sides had closed it')
    this.events.closed(result, result.wasClean ? undefined : lost)
  }
}
