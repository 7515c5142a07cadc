import { once } from 'node:events'
import { connect, type ListenOptions as NodeListenOptions, type Server } from 'node:net'
import { resolve } from 'node:path'
import process from 'node:process'
import { UsageError } from '../../../core/errors.js'
import type { ListenAddress, ListenOptions } from '../../../ports/http-host.js'
import { canReusePort } from './can-reuse-port.js'

/** Makes a server listen as the options say. Rejects like HttpHost.listen. */
export async function listenOn(server: Server, options: ListenOptions): Promise<void> {
  const { backlog, handle, socketPath } = options
  try {
    const address = handle ?? nodeOptionsOf(options)
    const listening = once(server, 'listening')
    if (backlog === undefined) server.listen(address)
    else server.listen(address, backlog)
    await listening
  } catch (error) {
    if (socketPath !== undefined && (error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      throw await explainTaken(error as NodeJS.ErrnoException, socketPath)
    }
    throw error
  }
}

/** The address that a server of Node listens on. */
export function addressOf(server: Pick<Server, 'address'>): ListenAddress {
  const address = server.address()
  if (typeof address === 'string') return { port: 0, address: '', socketPath: resolve(address) }
  return { port: address?.port ?? 0, address: address?.address ?? '' }
}

function nodeOptionsOf(options: ListenOptions): NodeListenOptions {
  const { port, host, socketPath, reusePort } = options
  if (socketPath !== undefined) return { path: socketPath }
  if (!reusePort) return { port, host }
  if (!canReusePort(process.versions.node)) {
    throw new UsageError(
      'optionInvalid',
      `the option reusePort needs Node 22.12, or 23.1 and later; this is Node ${process.versions.node}: leave it out, or run the module by serveWorkers, which needs no option`,
    )
  }
  // The types of Node 20 do not have the option.
  return { port, host, ...({ reusePort } as object) }
}

/** Explains whether a process still listens on the file of a Unix socket: a process that was killed leaves it behind. */
async function explainTaken(cause: NodeJS.ErrnoException, socketPath: string): Promise<Error> {
  const probe = connect(socketPath)
  const isAnswered = await new Promise<boolean>((settle) => {
    probe.once('connect', () => settle(true)).once('error', () => settle(false))
  })
  probe.destroy()
  const reason = isAnswered
    ? `another server listens on ${socketPath}`
    : `${socketPath} exists and nothing answers on it: a process that ended may have left it behind; remove the file first`
  return Object.assign(new Error(reason, { cause }), { code: cause.code })
}
