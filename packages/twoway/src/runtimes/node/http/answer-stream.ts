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
  destroyAfter(stream, Math.min(lingerMs, longestLingerMs))
}

/**
 * Closes a connection whose answer is written. Closing while bytes of the request are unread would reset it, and the answer
 * might be lost. So the client closes first, or runs out of time.
 */
export function destroyAfter(stream: Duplex, lingerMs: number): void {
  stream.resume()
  callAfter(stream, lingerMs, () => stream.destroy())
}

/** Calls back after a time, unless the stream closes before. */
export function callAfter(stream: Duplex, delayMs: number, callback: () => void): void {
  const timer = startTimer(callback, delayMs)
  stream.once('close', () => timer.close())
}
