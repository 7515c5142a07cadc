import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'twoway'
import { serveWorkers, type Workers, type WorkersOptions } from 'twoway/workers'

export const moduleUrl = new URL('./worker-module.js', import.meta.url)

/** Workers of the module with the given behaviour. */
export async function run(context: TestContext, what: string, options: WorkersOptions = {}): Promise<Workers> {
  const workers = await serveWorkers(moduleUrl, { workers: 2, args: [what], execArgv: [], ...options })
  context.after(() => workers.close())
  return workers
}

export interface Peer {
  readonly socket: WebSocket
  /** The process at the other end. */
  readonly pid: number
  readonly messages: unknown[]
  next(): Promise<unknown>
}

export async function connect(url: string): Promise<Peer> {
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  const messages: unknown[] = []
  let wake = (): void => {}
  socket.onmessage = ({ data }) => {
    messages.push(data)
    wake()
  }
  const next = async (): Promise<unknown> => {
    while (messages.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return messages.shift()
  }
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = ({ error }) => reject(error)
  })
  return { socket, pid: Number(await next()), messages, next }
}

/** Connects until there is a peer of each worker. The system distributes connections, so it may take several. */
export async function peersOfAll(url: string, count: number): Promise<Peer[]> {
  const peers = new Map<number, Peer>()
  for (let tries = 0; peers.size < count && tries < 200; tries += 1) {
    const peer = await connect(url)
    if (peers.has(peer.pid)) peer.socket.close()
    else peers.set(peer.pid, peer)
  }
  assert.equal(peers.size, count, 'connections land on all workers')
  return [...peers.values()]
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Starts workers that must fail, and returns the error. */
export async function failureOf(
  what: string,
  options: WorkersOptions = {},
): Promise<Error & { readonly code?: string }> {
  // The worker also prints the error, which is not part of the test.
  const program = `import { serveWorkers } from 'twoway/workers'
    const options = ${JSON.stringify({ workers: 2, args: [what], execArgv: [], ...options })}
    await serveWorkers(${JSON.stringify(moduleUrl.href)}, options).catch(({ message, code, cause }) =>
      console.log(JSON.stringify({ message, code, cause: cause && { name: cause.name } })))`
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let printed = ''
  for await (const chunk of parent.stdout) printed += chunk
  return JSON.parse(printed)
}
