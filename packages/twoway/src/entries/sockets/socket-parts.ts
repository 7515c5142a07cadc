import type { TransportError } from '../../core/errors.js'
import { bunApi } from '../../runtimes/bun/bun-sockets.js'
import { BunTrial } from '../../runtimes/bun/bun-trial.js'
import { denoApi } from '../../runtimes/deno/deno-sockets.js'
import { nodeClock } from '../../runtimes/node/clock.js'
import { dropped, explainDrop } from '../../runtimes/node/connect/explain-failure.js'

/*
 * The parts that listening and connecting share: Bun's own sockets on Bun, and Deno's own for TLS on Deno. The sockets of
 * `node:net` and `node:tls` serve on Node and wherever the runtime's own do not.
 */

/** Whether TWOWAY_TRANSPORT=stream asks for Node's sockets on every runtime. */
const wantsNodeSockets = process.env.TWOWAY_TRANSPORT === 'stream'

export const socketParts = {
  clock: nodeClock,
  explain: (cause: Error | undefined): TransportError => (cause === undefined ? dropped() : explainDrop(cause)),
}

/** Bun's sockets; undefined where they are not used. */
export const bun = wantsNodeSockets ? undefined : bunApi()

/** The trial of Bun's sockets. A listener makes it; a client reads its outcome. */
export const bunTrial = bun === undefined ? undefined : new BunTrial(bun, socketParts)

/** Deno's sockets; undefined where they are not used. */
export const deno = wantsNodeSockets ? undefined : denoApi()
