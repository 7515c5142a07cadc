import { count, listOf, matching, object, text } from '../core/options/check.js'
import { option } from '../core/options/option.js'
import type { AdminOptions } from './admin-options.js'

/** The options of `serveWorkers`, but for its handlers. */
export const workersOptions = {
  /**
   * Number of processes.
   * @default the number that the machine runs in parallel
   * @remarks The limits of a server, such as `maxConnections` and `maxTotalReceiveBytes`, hold for each process. For a limit of
   * the machine, divide it by this number.
   */
  workers: option(count('processes')),
  /**
   * Arguments for the module: its process.argv from the third on.
   * @default those of this process
   */
  args: option(listOf(text(), 'strings')),
  /**
   * Options for Node in the workers.
   * @default those of this process
   */
  execArgv: option(listOf(text(), 'strings')),
  /** Variables of the workers' environment, added to those of this process. */
  env: option(
    matching<Readonly<Record<string, string | undefined>>>(
      'an object',
      (value) => typeof value === 'object' && value !== null,
    ),
  ),
  /**
   * Milliseconds within which all servers of a worker must listen.
   * @default 30_000
   * @limit The worker is ended, and `serveWorkers` rejects, or the worker is started again.
   */
  startTimeoutMs: option(count('milliseconds'), 30_000),
  /**
   * Milliseconds that a worker may take to end when it is told to. Give it more than the `closeTimeoutMs` of its servers.
   * @default 15_000
   * @limit The worker is killed.
   */
  killAfterMs: option(count('milliseconds'), 15_000),
  /**
   * Bytes of broadcasts and messages of topics that may wait for a worker that does not take them.
   * @default 16_777_216 (16 MiB)
   * @limit The worker misses further broadcasts and messages of topics, and `error` is called; the other workers get them. A
   * hub in the worker reads what it missed.
   */
  maxBufferedBytes: option(count('bytes'), 16 << 20),
  /**
   * An HTTP server in the parent process for probes and metrics: `/livez`, `/readyz` and `/metrics`. The object says where
   * it listens; `{}` takes the defaults. Without this option there is no such server.
   */
  admin: option(object<AdminOptions>()),
}
