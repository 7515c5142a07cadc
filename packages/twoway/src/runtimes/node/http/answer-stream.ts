import type { Duplex } from 'node:stream'
import { encodeResponse } from '../../../core/http/encode-response.js'
import type { HttpResponse } from '../../../ports/http-host.js'
import { startTimer } from '../internals/genuine-timers.js'

/** Milliseconds that a client has to take an answer and to close, at most. */
const longestLingerMs = 10_000

export interface AnswerOptions {
  /** Milliseconds that the client has to take the answer and to close; 10 s at most. */
  readonly lingerMs: number
  /** For the answer to HEAD. */
  readonly bodyless?: boolean
}

/** Writes an answer and ends the connection. Throws where the response can't be encoded; nothing was sent then. */
export function answerStream(stream: Duplex, response: HttpResponse, { lingerMs, bodyless }: AnswerOptions): void {
  const bytes = encodeResponse(response, bodyless)
  if (stream.destroyed) return
  // Node takes its own listener away when it hands a connection out.
  stream.on('error', () => {})
  stream.end(bytes)
  // Closing with bytes of the request unread would reset the connection, and the answer might be lost: the client
  // closes first, or its time is up.
  stream.resume()
  const timer = startTimer(() => stream.destroy(), Math.min(lingerMs, longestLingerMs))
  stream.once('close', () => timer.close())
}
