import type { Duplex } from 'node:stream'
import { encodeResponse } from '../../../core/http/encode-response.js'
import type { HttpResponse } from '../../../ports/http-host.js'
import { startTimer } from '../internals/genuine-timers.js'

/** The longest time in milliseconds that a client has to take an answer and to close. */
const longestLingerMs = 10_000

export interface AnswerOptions {
  /** Milliseconds that the client has to take the answer and to close; 10 s at most. */
  readonly lingerMs: number
  /** For the answer to HEAD. */
  readonly bodyless?: boolean
}

/** Writes an answer and ends the connection. Throws before it sends anything if the response can't be encoded. */
export function answerStream(stream: Duplex, response: HttpResponse, { lingerMs, bodyless }: AnswerOptions): void {
  const bytes = encodeResponse(response, bodyless)
  if (stream.destroyed) return
  // Node removes its own listener when it hands out a connection.
  stream.on('error', () => {})
  stream.end(bytes)
  // Closing while bytes of the request are unread would reset the connection, and the answer might be lost. So the
  // client closes first, or runs out of time.
  stream.resume()
  const timer = startTimer(() => stream.destroy(), Math.min(lingerMs, longestLingerMs))
  stream.once('close', () => timer.close())
}
