/**
 * Clients of twoway.1 for `npm run measure:hub`, in a process of their own. They cost less than links: they parse no JSON, and
 * check only the headers of frames, the number of messages, and that the server said `recovered: true`.
 */
import { connect, type Socket } from 'node:net'
import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { request as requestHead, requestLines } from 'twoway-testing/peers/handshake-request.js'
import type { LinksAnswer, LinksOrder } from './measured-links.js'

/** Of the first hub; and of the one to which they come back, if that is another one. */
const ports = process.argv.slice(2).map((url) => Number(new URL(url).port))
const requests = ports.map((port) => requestHead(requestLines(port, { 'Sec-WebSocket-Protocol': 'twoway.1' })))
const hello = clientFrame(opcodes.text, '{"t":"hello"}')

let wanted = 0
let whole = 0
let recovered = 0
let failure: Error | undefined
let changed: () => void = () => undefined

/** One client, which has a connection at a time. */
class Peer {
  /** The last message of the topic, as JSON. */
  #position: string | undefined
  #topic = ''
  #socket: Socket | undefined
  #messages = 0

  open(topic: string, hub = 0): void {
    this.#topic = topic
    this.#messages = 0
    const socket = connect(ports.at(hub)!, '127.0.0.1')
    this.#socket = socket
    socket.write(requests.at(hub)!)
    let isOpen = false
    let rest: Buffer | undefined
    socket.on('data', (piece: Buffer) => {
      let bytes = rest === undefined ? piece : Buffer.concat([rest, piece])
      if (!isOpen) {
        const end = bytes.indexOf('\r\n\r\n')
        if (end < 0) {
          rest = bytes
          return
        }
        isOpen = true
        bytes = bytes.subarray(end + 4)
        const at = this.#position === undefined ? '' : `,"at":${this.#position}`
        const sub = clientFrame(opcodes.text, `{"t":"sub","id":1,"topic":"${topic}"${at}}`)
        socket.write(Buffer.concat([hello, sub]))
      }
      rest = this.#read(bytes)
    })
    // The server cuts all connections.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#socket === socket && lost(this))
  }

  again(): void {
    this.open(this.#topic, -1)
  }

  /** Reads frames, and returns the beginning of the next one. */
  #read(bytes: Buffer): Buffer | undefined {
    let start = 0
    while (start + 4 <= bytes.length) {
      const short = bytes[start + 1]!
      const head = short < 126 ? 2 : 4
      const end = start + head + (short < 126 ? short : bytes.readUInt16BE(start + 2))
      if (end > bytes.length) break
      this.#take(bytes, start + head, end)
      start = end
    }
    return start === bytes.length ? undefined : bytes.subarray(start)
  }

  #take(bytes: Buffer, start: number, end: number): void {
    // {"t":"msg" or {"t":"ok"
    const type = bytes[start + 6]
    if (type === 0x6d) {
      this.#messages += 1
      if (this.#messages === wanted) done()
    } else if (type === 0x6f) {
      const answer = bytes.toString('latin1', start, end)
      this.#position = /\["[^\]]*\]/.exec(answer)![0]
      if (answer.includes('"recovered":true')) recovered += 1
      if (wanted === 0) done()
    } else if (type === 0x65) {
      failure = new Error(bytes.toString('utf8', start, end))
      changed()
    }
  }
}

const peers: Peer[] = []
let firstLossAt = 0

function lost(peer: Peer): void {
  firstLossAt ||= performance.now()
  peer.again()
}

function done(): void {
  whole += 1
  if (whole % 100 === 0 || whole === peers.length) changed()
}

async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    if (failure !== undefined) throw failure
    await new Promise<void>((resolve) => {
      changed = resolve
    })
  }
}

process.on('message', async (order: LinksOrder) => {
  whole = 0
  recovered = 0
  const before = process.cpuUsage()
  if ('open' in order) {
    firstLossAt = performance.now()
    for (let opened = 0; opened < order.open; opened += 100) {
      for (let index = 0; index < Math.min(100, order.open - opened); index += 1) {
        const peer = new Peer()
        peers.push(peer)
        peer.open(order.topics[0]!)
      }
      await until(() => whole === peers.length)
    }
  } else {
    wanted = order.whole
    await until(() => whole === peers.length)
  }
  const { user, system } = process.cpuUsage(before)
  const tookMs = performance.now() - firstLossAt
  firstLossAt = 0
  process.send!({ tookMs, onlineMs: tookMs, recovered, cpuMs: (user + system) / 1000 } satisfies LinksAnswer)
})
process.on('disconnect', () => process.exit())
process.send!('ready')
