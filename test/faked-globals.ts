/**
 * A program whose globals are replaced by functions that do nothing. `faked-globals.js before` replaces all at once before
 * the library is loaded; without it, each is replaced alone, first before a connection is made and then on an open one.
 * Run by faked-globals.long.test.ts; prints a line of JSON.
 */
import { syncBuiltinESMExports } from 'node:module'
import { performance } from 'node:perf_hooks'
import process from 'node:process'
import timers from 'node:timers'
import promises from 'node:timers/promises'

/** A replacement of a global, and how it is undone. */
type Fake = () => () => void

const startTimer = setTimeout
const handle = { ref: () => handle, unref: () => handle, close: () => handle, hasRef: () => true }

function replacing(object: object, name: PropertyKey, replacement: unknown): Fake {
  return () => {
    const before = Object.getOwnPropertyDescriptor(object, name)
    Object.defineProperty(object, name, { value: replacement, configurable: true, writable: true })
    syncBuiltinESMExports()
    return () => {
      if (before === undefined) Reflect.deleteProperty(object, name)
      else Object.defineProperty(object, name, before)
      syncBuiltinESMExports()
    }
  }
}

const timerNames = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate']

/** A class that is none: `new` throws. */
const noClass = () => undefined

const fakes: ReadonlyMap<string, Fake> = new Map([
  ...timerNames.map((name) => [name, replacing(globalThis, name, () => handle)] as const),
  // As in jsdom and in a renderer of Electron, where timers are numbers.
  ['setTimeout of numbers', replacing(globalThis, 'setTimeout', () => 1)],
  ['no setImmediate', replacing(globalThis, 'setImmediate', undefined)],
  ...timerNames.map((name) => [`${name} of node:timers`, replacing(timers, name, () => handle)] as const),
  ['setTimeout of node:timers/promises', replacing(promises, 'setTimeout', () => new Promise(() => {}))],
  ['setImmediate of node:timers/promises', replacing(promises, 'setImmediate', () => new Promise(() => {}))],
  ['queueMicrotask', replacing(globalThis, 'queueMicrotask', () => {})],
  ['Date', replacing(globalThis, 'Date', class {})],
  ['Date.now', replacing(Date, 'now', () => 0)],
  ['performance', replacing(globalThis, 'performance', {})],
  ['performance.now', replacing(performance, 'now', () => 0)],
  ['process.hrtime', replacing(process, 'hrtime', () => [0, 0])],
])

/** Node's own modules need these while they load, so they are replaced only afterwards. */
const laterFakes: ReadonlyMap<string, Fake> = new Map([
  ...['TextDecoder', 'TextEncoder', 'crypto', 'Blob', 'Event', 'EventTarget', 'MessageEvent', 'CloseEvent'].map(
    (name) => [name, replacing(globalThis, name, noClass)] as const,
  ),
  ...['ErrorEvent', 'DOMException', 'URL', 'ReadableStream', 'WritableStream', 'AbortController', 'WebSocket'].map(
    (name) => [name, replacing(globalThis, name, noClass)] as const,
  ),
])

type Library = typeof import('twoway') & typeof import('twoway/server') & typeof import('twoway/memory')

async function load(): Promise<Library> {
  return { ...(await import('twoway')), ...(await import('twoway/server')), ...(await import('twoway/memory')) }
}

/** An echo of text and bytes, through both classes of the client, with a heartbeat and a closing handshake. */
async function echo(library: Library, opened: () => void): Promise<string> {
  const { WebSocketStream, ping } = library
  const network = process.argv[3] === 'memory' ? new library.MemoryNetwork() : library
  const { WebSocket } = network
  const server = await network.serve({
    port: 0,
    idleTimeoutMs: 60,
    closeTimeoutMs: 100,
    message: (socket, message) => void socket.send(message),
  })
  const log: unknown[] = []
  const socket = new WebSocket(server.url)
  const closed = new Promise<void>((resolve) => {
    socket.onclose = ({ code, wasClean }) => {
      log.push(code, wasClean)
      resolve()
    }
  })
  socket.onopen = () => {
    opened()
    socket.send('text')
    socket.send(new Uint8Array(3))
  }
  socket.onmessage = async ({ data }) => {
    log.push(typeof data === 'string' ? data : data.size)
    if (data === 'text') return
    if (network === library) await ping(socket)
    // Longer than the heartbeat waits.
    await new Promise((resolve) => startTimer(resolve, 100))
    socket.close(1000)
  }
  await closed
  if (network === library) {
    const stream = new WebSocketStream(server.url)
    const { readable, writable } = await stream.opened
    await writable.getWriter().write('stream')
    log.push((await readable.getReader().read()).value)
    stream.close()
    await stream.closed
  }
  await server.close()
  return log.join(' ')
}

async function timed(run: () => Promise<string>): Promise<string> {
  return Promise.race([
    run().catch((error: Error) => `${error.stack}`),
    new Promise<string>((resolve) => startTimer(resolve, 20_000, 'nothing within 20 s')),
  ])
}

const seen: Record<string, string> = {}
if (process.argv[2] === 'before') {
  for (const fake of fakes.values()) fake()
  seen.all = await timed(async () => echo(await load(), () => {}))
} else {
  const library = await load()
  for (const [name, fake] of [...fakes, ...laterFakes]) {
    let undo = fake()
    const after = await timed(() => echo(library, () => {}))
    undo()
    const open = await timed(() =>
      echo(library, () => {
        undo = fake()
      }),
    )
    undo()
    seen[`${name}, after the import`] = after
    seen[`${name}, on an open connection`] = open
  }
}
process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit())
