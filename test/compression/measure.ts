import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { constants, deflateRawSync } from 'node:zlib'
import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { requestLines } from 'twoway-testing/peers/handshake-request.js'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'

/**
 * Measures the cost of permessage-deflate for a server: memory of idle connections, bombs, and messages in tiny frames.
 * Each server is a separate process. Prints the figures; the process fails if one exceeds its bound.
 */

interface Answer {
  /** Resident memory. It does not fall if the allocator keeps freed memory for later use. */
  readonly rss: number
  /** Memory of the heap and of native code, including zlib's contexts. */
  readonly held: number
  readonly cpuMs: number
}

const program = fileURLToPath(new URL('server.js', import.meta.url))
const json = Buffer.from(
  JSON.stringify({ id: 1, text: 'a message of ordinary length '.repeat(9) })
    .padEnd(306)
    .slice(0, 306),
)
/** RSV1 marks a compressed message, RFC 7692 §6. */
const compressed = { reservedBits: 4 } as const
let isWell = true

function row(name: string, value: string, holds = true): void {
  if (!holds) isWell = false
  process.stdout.write(`${holds ? '  ' : '! '}${name.padEnd(78)} ${value}\n`)
}

async function start(kind: string, options: object | boolean): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(program, [kind, JSON.stringify(options)], { execArgv: ['--expose-gc'] })
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}

async function ask(child: ChildProcess): Promise<Answer> {
  const answer = once(child, 'message')
  child.send('measure')
  return (await answer)[0] as Answer
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.disconnect()
  await ended
}

function packed(message: Uint8Array, level = 6): Buffer {
  return deflateRawSync(message, { level, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
}

async function open(port: number, offer: string): Promise<Socket> {
  const lines = requestLines(port, { 'Sec-WebSocket-Extensions': offer === '' ? undefined : offer })
  const peer = await RawSocket.open(port, 30_000, lines)
  if (peer === undefined) throw new Error('the server refused the handshake')
  if (offer !== '' && !peer.head.includes('permessage-deflate')) throw new Error('the server does not compress')
  return peer.socket
}

function echoed(socket: Socket, message: Uint8Array): Promise<unknown> {
  socket.write(message)
  return once(socket, 'data')
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const connections = 2000

interface Memory {
  readonly rss: number
  readonly held: number
}

/**
 * Memory of an idle connection in KiB, after each has echoed one message; again after `idleMs`; and then the memory of as
 * many further connections: if the contexts of the first were freed, those of the second reuse their memory.
 */
async function idleMemory(kind: string, options: object | boolean, offer: string, idleMs = 0): Promise<Memory[]> {
  const { child, port } = await start(kind, options)
  // The first connections also cause one-time allocations: code, shared contexts.
  const warm = await Promise.all(Array.from({ length: 500 }, () => open(port, offer)))
  const message = offer === '' ? clientFrame(opcodes.text, json) : clientFrame(opcodes.text, packed(json), compressed)
  await Promise.all(warm.map((socket) => echoed(socket, message)))
  await pause(500)
  const before = await ask(child)
  const sockets: Socket[] = []
  const openAll = async (): Promise<void> => {
    for (let opened = 0; opened < connections; opened += 50) {
      const batch = await Promise.all(Array.from({ length: 50 }, () => open(port, offer)))
      await Promise.all(batch.map((socket) => echoed(socket, message)))
      sockets.push(...batch)
    }
  }
  await openAll()
  const figures = [await ask(child)]
  if (idleMs > 0) {
    await pause(idleMs)
    figures.push(await ask(child))
    await openAll()
    figures.push(await ask(child))
  }
  for (const socket of [...sockets, ...warm]) socket.destroy()
  await stop(child)
  return figures.map(({ rss, held }) => ({
    rss: (rss - before.rss) / connections / 1024,
    held: (held - before.held) / connections / 1024,
  }))
}

/** Memory in KiB of each of the last quarter of four times as many connections, after all one-time growth. */
async function laterMemory(options: object | boolean, offer: string): Promise<Memory> {
  const { child, port } = await start('twoway', options)
  const message = offer === '' ? clientFrame(opcodes.text, json) : clientFrame(opcodes.text, packed(json), compressed)
  const sockets: Socket[] = []
  const figures: Answer[] = []
  for (let round = 0; round < 4; round++) {
    for (let opened = 0; opened < connections; opened += 50) {
      const batch = await Promise.all(Array.from({ length: 50 }, () => open(port, offer)))
      await Promise.all(batch.map((socket) => echoed(socket, message)))
      sockets.push(...batch)
    }
    figures.push(await ask(child))
  }
  for (const socket of sockets) socket.destroy()
  await stop(child)
  const [, , before, after] = figures
  return {
    rss: (after!.rss - before!.rss) / connections / 1024,
    held: (after!.held - before!.held) / connections / 1024,
  }
}

async function measureMemory(): Promise<void> {
  process.stdout.write(
    `KiB held (resident) of an idle connection after one echo of 306 bytes, ${connections} connections\n`,
  )
  const offer = 'permessage-deflate; client_max_window_bits'
  const show = (name: string, { rss, held }: Memory, most = Number.POSITIVE_INFINITY): void =>
    row(name, `${held.toFixed(1)} (${rss.toFixed(1)})`, held <= most)
  const [plain] = await idleMemory('twoway', false, '')
  show('Twoway without compression', plain!)
  const [shared] = await idleMemory('twoway', { thresholdBytes: 0 }, offer)
  show('Twoway, no context takeover', shared!, plain!.held + 2)
  show(`  of the last ${connections} of ${4 * connections}, without compression`, await laterMemory(false, ''))
  show('  of those, no context takeover', await laterMemory({ thresholdBytes: 0 }, offer))
  const small = { serverMaxWindowBits: 12, clientMaxWindowBits: 12, memLevel: 5, thresholdBytes: 0 }
  const both = { ...small, serverNoContextTakeover: false, clientNoContextTakeover: false }
  const [active] = await idleMemory('twoway', both, offer)
  show('Twoway, takeover both ways, windowBits 12, memLevel 5', active!, plain!.held + 160)
  const released = await idleMemory('twoway', { ...small, serverNoContextTakeover: false }, offer, 25_000)
  show('Twoway, takeover by the server, windowBits 12, memLevel 5: in use', released[0]!, plain!.held + 160)
  show('  the same after 25 s without a message', released[1]!, plain!.held + 2)
  // The allocator keeps freed memory, so resident memory does not fall; further contexts reuse it.
  const grown = released[2]!.rss - released[1]!.rss
  row('  resident memory that as many further connections in use add', grown.toFixed(1), grown <= released[0]!.rss / 2)
  const [ws] = await idleMemory('ws', { threshold: 0 }, offer)
  show('ws, its defaults', ws!)
}

async function measureBombs(): Promise<void> {
  process.stdout.write('ten bombs of 1 MiB that unfold to 1 GiB\n')
  const { child, port } = await start('twoway', { thresholdBytes: 0 })
  const bomb = clientFrame(opcodes.binary, packed(Buffer.alloc(1 << 30), 9), compressed)
  const offer = 'permessage-deflate'
  const bystander = await open(port, offer)
  const hello = clientFrame(opcodes.text, json)
  let slowest = 0
  let isDone = false
  const watching = (async () => {
    while (!isDone) {
      const began = performance.now()
      bystander.write(hello)
      await once(bystander, 'data')
      slowest = Math.max(slowest, performance.now() - began)
      await pause(2)
    }
  })()
  const before = await ask(child)
  let peak = 0
  const codes: number[] = []
  const sampling = (async () => {
    while (!isDone) {
      peak = Math.max(peak, (await ask(child)).rss)
      await pause(50)
    }
  })()
  slowest = 0
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      const socket = await open(port, offer)
      const closed = once(socket, 'data')
      socket.write(bomb)
      const [close] = (await closed) as [Buffer]
      codes.push(close.readUInt16BE(2))
      socket.destroy()
    }),
  )
  await pause(300)
  isDone = true
  await watching
  await sampling
  bystander.destroy()
  await stop(child)
  row('closed with', [...new Set(codes)].join(', '), codes.length === 10 && codes.every((code) => code === 1009))
  const grown = (peak - before.rss) / 2 ** 20
  row('memory grows by, MiB', grown.toFixed(1), grown <= 32)
  row("a bystander's slowest echo, ms", slowest.toFixed(1), slowest <= 100)
}

async function measureFragments(): Promise<void> {
  const times = 1000
  process.stdout.write(`128 KiB of JSON, compressed, ${times} times: server CPU\n`)
  const rows = Array.from({ length: 3000 }, (_, index) => ({ index, name: `user ${(index * 7919) % 10_007}` }))
  const message = packed(Buffer.from(JSON.stringify(rows).slice(0, 128 << 10)))
  const cut: Uint8Array[] = []
  for (let at = 0; at < message.length; at += 256) {
    cut.push(
      clientFrame(at === 0 ? opcodes.text : opcodes.continuation, message.subarray(at, at + 256), {
        reservedBits: at === 0 ? 4 : 0,
        fin: at + 256 >= message.length,
      }),
    )
  }
  const forms = {
    'one frame': clientFrame(opcodes.text, message, compressed),
    'frames of 256 bytes': Buffer.concat(cut),
  }
  const cpu: number[] = []
  for (const [name, bytes] of Object.entries(forms)) {
    const { child, port } = await start('twoway-count', { thresholdBytes: 0 })
    const socket = await open(port, 'permessage-deflate')
    const before = await ask(child)
    for (let count = 0; count < times; count += 1) {
      const answer = once(socket, 'data')
      socket.write(bytes)
      await answer
    }
    const cpuMs = (await ask(child)).cpuMs - before.cpuMs
    cpu.push(cpuMs)
    socket.destroy()
    await stop(child)
    row(`${name}, ms`, cpuMs.toFixed(0))
  }
  row('ratio', (cpu[1]! / cpu[0]!).toFixed(2), cpu[1]! <= 3 * cpu[0]!)
}

const parts = { memory: measureMemory, bombs: measureBombs, fragments: measureFragments }
for (const [name, measure] of Object.entries(parts)) {
  if (process.argv.length === 2 || process.argv.includes(name)) await measure()
}
process.exitCode = isWell ? 0 : 1
