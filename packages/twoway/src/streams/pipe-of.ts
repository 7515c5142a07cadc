import { UsageError } from '../core/errors.js'
import { type MessagePipe, openPipe, type Pipeable, type PipeEvents } from '../core/message-pipe.js'

/** Takes over the messages of a socket. Throws a UsageError for anything that is no socket of this package. */
export function pipeOf(socket: object, events: PipeEvents): MessagePipe {
  const pipeable: Partial<Pipeable> | undefined = socket
  const pipe = pipeable?.[openPipe]?.(events)
  if (pipe !== undefined) return pipe
  throw new UsageError(
    'streamImpossible',
    'only the socket of a handler of `serve` or `attach`, or a WebSocket of this package, can become a stream',
  )
}
