import { callable, count, integer, listOf, text } from '../../core/options/check.js'
import { option } from '../../core/options/option.js'

/** The options of `gracefulShutdown`, but for its handler. */
export const shutdownOptions = {
  /**
   * The signals that begin the shutdown. A second one, 200 ms after the first or later, ends the process at once, with 128
   * and the number of the signal as its exit code.
   * @default ['SIGTERM', 'SIGINT']
   * @remarks Kubernetes, Docker and systemd send SIGTERM, PM2 and Ctrl+C send SIGINT.
   */
  signals: option(listOf(text(), 'names of signals'), ['SIGTERM', 'SIGINT']),
  /**
   * Milliseconds for which the servers go on as before, but for `isReady`. A load balancer needs them to learn that this
   * process stops: give it the time of two or three of its probes.
   * @default 0
   * @limit The servers stop listening.
   */
  readinessDelayMs: option(integer(0, Number.MAX_SAFE_INTEGER, 'milliseconds'), 0),
  /**
   * Milliseconds after the delay within which the process ends.
   * @default 8_000
   * @limit Connections are dropped, workers are killed, and the process ends, with exit code 1 if requests, workers or
   * `then` had not ended.
   * @remarks The closes of connections are spread over the first part of the time. The last 6 s are for closing handshakes and
   * `then`; if the whole time is less than 8 s, its last three quarters. `docker stop` kills a process after 10 s, Kubernetes after 30 s, systemd
   * after 90 s.
   */
  withinMs: option(count('milliseconds'), 8000),
}

/** All options of `gracefulShutdown`. */
export const shutdownTable = {
  ...shutdownOptions,
  // biome-ignore lint/suspicious/noThenProperty: the option is called so, and nobody awaits the table
  then: option(callable()),
}
