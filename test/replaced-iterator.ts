/**
 * A client program that replaces `Array.prototype[Symbol.iterator]` by one that yields nothing, as code of a page
 * may do. Run by replaced-iterator.test.ts with the port of a server and the module of the client; prints its observations.
 */
import { once } from 'node:events'

const [, , port, secure, entry] = process.argv
const { WebSocket, WebSocketStream, ping } = (await import(entry!)) as typeof import('twoway')
const url = `ws://127.0.0.1:${port}`
const native = Array.prototype[Symbol.iterator]

/** The number of its calls from files of the library. Node's own code uses the native iterator. */
const calls = new Set<string>()

function replaced(this: unknown[]): ArrayIterator<unknown> {
  const frames = (new Error().stack ?? '').split('\n').slice(2)
  const caller = frames.find((frame) => !frame.includes('<anonymous>')) ?? ''
  const isOurs = caller.includes('/twoway/dist/')
  if (isOurs) calls.add(caller.trim())
  return Reflect.apply(native, isOurs ? [] : this, [])
}

async function echo(...given: ConstructorParameters<typeof WebSocket>): Promise<string> {
  const socket = new WebSocket(...given)
  const log: unknown[] = []
  socket.binaryType = 'arraybuffer'
  socket.onerror = ({ message }) => log.push(message)
  socket.onmessage = ({ data }) => {
    log.push(typeof data === 'string' ? data.length : data.byteLength)
    if (log.length === 4) ping(socket).then(() => socket.close(1000, 'bye'))
  }
  socket.onopen = () => {
    log.length = 0
    socket.send('hello')
    socket.send(new Uint8Array(5000))
    socket.send('x'.repeat(100_000))
    socket.send(new Blob(['blob']))
  }
  const [{ code, reason }] = (await once(socket as unknown as EventTarget, 'close')) as [
    { code: number; reason: string },
  ]
  return `${socket.protocol} ${socket.extensions} ${log.join(' ')} ${code} ${reason}`
}

async function stream(): Promise<string> {
  const socket = new WebSocketStream(url, { protocols: ['b'] })
  const { readable, writable, protocol } = await socket.opened
  const writer = writable.getWriter()
  await writer.write('hello')
  const { value } = await readable.getReader().read()
  socket.close({ closeCode: 1000, reason: 'bye' })
  return `${protocol} ${value} ${(await socket.closed).reason}`
}

async function all(): Promise<string[]> {
  const seen: string[] = []
  seen.push(await echo(url))
  seen.push(await echo(url, 'a'))
  seen.push(await echo(url, ['b', 'a']))
  seen.push(await echo(url, { protocols: ['a'], perMessageDeflate: false, headers: [['X-A', 'b']] }))
  seen.push(await echo(url, { headers: { 'X-A': ['b', 'c'] }, signal: new AbortController().signal }))
  seen.push(await echo(`wss://127.0.0.1:${secure}`, { rejectUnauthorized: false }))
  seen.push(await echo(`${url}/refused`))
  seen.push(await echo(`${url}/redirect`, { maxRedirects: 1 }))
  seen.push(await echo('ws://127.0.0.1:1'))
  seen.push(await stream())
  return seen
}

const before = await all()
Array.prototype[Symbol.iterator] = replaced as typeof native
const after = await all()
Array.prototype[Symbol.iterator] = native
console.log(JSON.stringify({ before, after, calls: Array.from(calls) }))
