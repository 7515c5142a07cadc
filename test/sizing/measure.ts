/**
 * `npm run measure:memory`: the memory of a server for each connection, in each state that docs/explanation/memory.md has a row for. Each
 * server is a process of its own, on this machine alone. Prints the rows of that table.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'twoway'
import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'
import type { SizedServer } from './server.js'

interface Memory {
  readonly rss: number
  readonly held: number
  readonly connections: number
}

interface Row {
  readonly name: string
  readonly server: SizedServer
  readonly connections: number
  /** Opens one connection, and brings it to its state. Returns the function that ends it. */
  open(url: string): Promise<() => void>
}

const program = fileURLToPath(new URL('server.js', import.meta.url))
const text = JSON.stringify({ id: 1, text: 'a message of ordinary length '.repeat(40) }).slice(0, 1024)
const takeover = { serverNoContextTakeover: false, clientNoContextTakeover: false, thresholdBytes: 0 }

/** A connection that has echoed messages of 1 KiB. */
function client(messages: number, perMessageDeflate: boolean) {
  return async (url: string): Promise<() => void> => {
    const socket = new WebSocket(url, { rejectUnauthorized: false, perMessageDeflate } as never)
    await once(socket, 'open')
    for (let sent = 0; sent < messages; sent++) {
      socket.send(text)
      await once(socket, 'message')
    }
    return () => socket.close()
  }
}

/** A connection that sends a part of a message, or nothing, and reads nothing. */
function raw(announced: number, sent: number) {
  return async (url: string): Promise<() => void> => {
    const peer = await RawSocket.open(Number(new URL(url).port))
    if (peer === undefined) throw new Error('the server refused the handshake')
    peer.socket.pause()
    if (sent > 0) {
      const frame = clientFrame(opcodes.binary, Buffer.alloc(announced))
      peer.send(frame.subarray(0, frame.length - announced + sent))
    }
    return () => peer.destroy()
  }
}

const rows: readonly Row[] = [
  { name: 'idle, TCP', server: { does: 'echo' }, connections: 2000, open: client(0, false) },
  { name: 'idle, TLS', server: { does: 'echo', tls: true }, connections: 500, open: client(0, false) },
  { name: 'active: has echoed 1 KiB, TCP', server: { does: 'echo' }, connections: 2000, open: client(2, false) },
  { name: 'active, TLS', server: { does: 'echo', tls: true }, connections: 500, open: client(2, false) },
  {
    name: 'compressed, each message separately (the default)',
    server: { does: 'echo', perMessageDeflate: { thresholdBytes: 0 } },
    connections: 1000,
    open: client(2, true),
  },
  {
    name: 'compressed, context takeover both ways, in use',
    server: { does: 'echo', perMessageDeflate: takeover },
    connections: 200,
    open: client(2, true),
  },
  {
    name: 'the same with windows of 12 bits and memLevel 5',
    server: {
      does: 'echo',
      perMessageDeflate: { ...takeover, serverMaxWindowBits: 12, clientMaxWindowBits: 12, memLevel: 5 },
    },
    connections: 200,
    open: client(2, true),
  },
  {
    name: 'receives a message: half of 256 KiB has come',
    server: { does: 'echo' },
    connections: 200,
    open: raw(256 << 10, 128 << 10),
  },
  {
    name: 'streams a message in (`messageStream`), and the program does not read it',
    server: { does: 'stream' },
    connections: 200,
    open: raw(1 << 20, 900 << 10),
  },
  {
    name: 'lags behind: one message of 6 MiB was sent, and it reads none',
    server: { does: { sends: 6 << 20 } },
    connections: 20,
    open: raw(0, 0),
  },
]

async function measure({ name, server, connections, open }: Row): Promise<void> {
  const child = fork(program, [JSON.stringify(server)], { execArgv: ['--expose-gc'] })
  const ask = async (): Promise<Memory> => {
    const answer = once(child, 'message')
    child.send('measure')
    return (await answer)[0] as Memory
  }
  const [url] = (await once(child, 'message')) as [string]
  const ends: (() => void)[] = []
  const openMany = async (count: number): Promise<void> => {
    for (let opened = 0; opened < count; opened += 20) {
      ends.push(...(await Promise.all(Array.from({ length: Math.min(20, count - opened) }, () => open(url)))))
    }
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  // The first ones cause allocations that later ones share: code, scratch memory.
  await openMany(Math.ceil(connections / 4))
  const before = await ask()
  await openMany(connections)
  const after = await ask()
  const kib = (bytes: number): string => (bytes / connections / 1024).toFixed(1)
  if (after.connections - before.connections !== connections) throw new Error(`${name}: connections were lost`)
  console.log(`| ${name} | ${kib(after.held - before.held)} | ${kib(after.rss - before.rss)} |`)
  for (const end of ends) end()
  child.disconnect()
  await once(child, 'exit')
}

const words = process.argv.slice(2)
const base = fork(program, [JSON.stringify({ does: 'echo' })], { execArgv: ['--expose-gc'] })
await once(base, 'message')
base.send('measure')
const [{ rss }] = (await once(base, 'message')) as [Memory]
base.disconnect()
console.log(`A process without connections: ${(rss / 2 ** 20).toFixed(0)} MiB resident\n`)
console.log('| a connection that is | KiB of heap and buffers | KiB resident |')
console.log('|---|---:|---:|')
for (const row of rows) {
  if (words.length === 0 || words.some((word) => row.name.includes(word))) await measure(row)
}
