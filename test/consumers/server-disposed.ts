// Code that must compile with types that have Symbol.asyncDispose, such as Node's.

import { type ServerDiagnostics, serve } from 'twoway/server'
import { serveWorkers } from 'twoway/workers'

declare const log: (...values: unknown[]) => void

export async function untilDone(work: (url: string) => Promise<void>): Promise<void> {
  await using server = await serve({ port: 0 })
  const disposable: AsyncDisposable = server
  log(disposable)
  await work(server.url)
}

export async function inProcesses(): Promise<void> {
  await using workers = await serveWorkers('/app/server.js')
  log(workers.url)
}

export function onClose(message: unknown): void {
  const { code, meaning, socket } = message as ServerDiagnostics['twoway:close']
  log(code, meaning, socket.remoteAddress)
}

export const fetching = () =>
  serve({
    port: 0,
    async upgrade({ signal }) {
      await fetch('https://localhost', { signal })
      return { data: 1 }
    },
  })
