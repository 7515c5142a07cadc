import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ConnectionOptions, connect as connectTls, createSecureContext, TLSSocket } from 'node:tls'
import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { request, requestLines } from 'twoway-testing/peers/handshake-request.js'
import { FaultyWire, socketPair } from './faulty-wire.js'
import { alert, applicationData, handshake, RecordSealer, sealerCipher } from './record-sealer.js'
import { type Act, forgeries, type Sequence, type WireFault } from './sequence.js'
import type { TlsProcess } from './tls-process.js'

/** Milliseconds to wait for an answer that is not due: some messages of a peer have none. */
const patienceMs = 60
/** Milliseconds to wait for an answer that is due: longer than each timeout of the servers. */
const dueWithinMs = 2000

/** The changes of a wire that leave all bytes of a record as they were. */
const harmless = new Set<WireFault['kind']>(['cut', 'dribble'])

/** Not each server gives a session. */
const sessionWithinMs = 500

const forged = new Set<Act>(forgeries)

/** The stage that a peer has reached while it keeps the rules. */
type Stage = 'begun' | 'half' | 'open' | 'closed' | 'ended'

/** From which stage an act keeps the rules, to which, and whether it must be answered. */
interface Step {
  readonly from: Stage
  readonly to: Stage
  readonly isAnswered: boolean
}

const ruly: Partial<Record<Act, Step>> = {
  request: { from: 'begun', to: 'open', isAnswered: true },
  'half a request': { from: 'begun', to: 'half', isAnswered: false },
  'the rest': { from: 'half', to: 'open', isAnswered: true },
  messages: { from: 'open', to: 'open', isAnswered: true },
  'a close': { from: 'open', to: 'closed', isAnswered: true },
  close_notify: { from: 'closed', to: 'ended', isAnswered: false },
  'an end of TCP': { from: 'closed', to: 'ended', isAnswered: false },
}

/** Plays a sequence of TLS messages to its end, at which the peer is gone. */
export async function play(sequence: Sequence, process: TlsProcess): Promise<void> {
  if (sequence.host === 'client' || sequence.host === 'client by a proxy') await playServer(sequence, process)
  else await playClient(sequence, process.ports[sequence.host]!)
}

async function playClient(sequence: Sequence, port: number): Promise<void> {
  const session = sequence.session === 'none' ? undefined : await sessionOf(sequence, port)
  if (session !== undefined && sequence.session === 'tampered') session[session.length >> 1]! ^= 0x10
  const [near, far] = await socketPair()
  const outer = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  const wire = new FaultyWire(far, outer, sequence.faults)
  const peer = connectOver(near, { ...optionsOf(sequence), session })
  if (peer === undefined) return
  await new Peer(peer, wire, sequence, Buffer.from(request(requestLines(port)))).play()
}

/** A server for our client, which the process under test is told to connect to. */
async function playServer(sequence: Sequence, process: TlsProcess): Promise<void> {
  const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  // Our client never connects if its process has ended.
  listener.unref()
  const accepted = once(listener, 'connection') as Promise<[Socket]>
  const isProxied = sequence.host === 'client by a proxy'
  process.connect({ port: (listener.address() as AddressInfo).port, isProxied })
  // On a loaded machine a client may have given up before it came.
  const [outer] = await Promise.race([accepted, sleep(dueWithinMs, [], { ref: false })])
  listener.close()
  if (outer === undefined) return
  outer.on('error', () => {})
  if (isProxied) {
    await new Promise((resolve) => outer.once('data', resolve).once('end', resolve).once('close', resolve))
    // Without a listener, the socket would drop the client's first record.
    outer.pause()
    if (outer.writable) outer.write('HTTP/1.1 200 OK\r\n\r\n')
  }
  const [near, far] = await socketPair()
  const wire = new FaultyWire(far, outer, sequence.faults)
  outer.resume()
  const { cert, key } = process.identity
  const secureContext = createSecureContext({
    cert,
    key,
    minVersion: sequence.version,
    maxVersion: sequence.version,
    ciphers: ciphersOf(sequence),
  })
  const peer = new TLSSocket(near, { isServer: true, secureContext, ALPNProtocols: [...sequence.protocols] })
  await new Peer(peer, wire, sequence).play()
}

/** The TLS session of a connection without faults, if the server provides one. */
async function sessionOf(sequence: Sequence, port: number): Promise<Buffer | undefined> {
  const socket = connectTls({ ...optionsOf(sequence), port, host: '127.0.0.1' })
  socket.on('error', () => {})
  const session = new Promise<Buffer | undefined>((resolve) => {
    socket.once('session', resolve)
    socket.once('close', () => resolve(undefined))
  })
  const kept = await Promise.race([session, sleep(sessionWithinMs, undefined, { ref: false })])
  socket.destroy()
  return kept
}

function connectOver(socket: Socket, options: ConnectionOptions): TLSSocket | undefined {
  try {
    return connectTls({ ...options, socket })
  } catch {
    // OpenSSL does not accept every session that was tampered with.
    socket.destroy()
    return undefined
  }
}

function optionsOf(sequence: Sequence): ConnectionOptions & { readonly requestOCSP: boolean } {
  const { version, servername, protocols, asksForStatus } = sequence
  return {
    minVersion: version,
    maxVersion: version,
    ciphers: ciphersOf(sequence),
    rejectUnauthorized: false,
    servername,
    requestOCSP: asksForStatus,
    ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
  }
}

function ciphersOf({ version }: Sequence): string {
  return version === 'TLSv1.3' ? sealerCipher : 'DEFAULT'
}

function answerTo(head: string): Buffer {
  const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1] ?? ''
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  return Buffer.from(`${[...lines, `Sec-WebSocket-Accept: ${accept}`].join('\r\n')}\r\n\r\n`)
}

/** One side of a TLS connection, which performs the acts of a sequence. */
class Peer {
  readonly #socket: TLSSocket
  readonly #wire: FaultyWire
  readonly #sequence: Sequence
  /** The request of a client; a server answers the request that it receives. */
  readonly #request: Buffer | undefined
  readonly #isServer: boolean
  readonly #gone: Promise<unknown>
  #received = ''
  /** Whether all that was sent so far keeps the rules. */
  #isRuly: boolean
  #stage: Stage = 'begun'
  #isAnswerDue = false
  /** Whether something came since the last that was sent. */
  #hasAnswer = false
  #secret: Buffer | undefined
  #sealer: RecordSealer | undefined

  constructor(socket: TLSSocket, wire: FaultyWire, sequence: Sequence, request?: Buffer) {
    this.#socket = socket
    this.#wire = wire
    this.#sequence = sequence
    this.#request = request
    this.#isServer = request === undefined
    this.#isRuly = sequence.faults.every(({ kind }) => harmless.has(kind))
    this.#gone = Promise.race([new Promise((resolve) => socket.once('close', resolve)), wire.ended])
    socket.on('error', () => {})
    // Node adds a listener for each renegotiation, and a server refuses most of them.
    socket.setMaxListeners(0)
    const secretName = this.#isServer ? 'SERVER_TRAFFIC_SECRET_0' : 'CLIENT_TRAFFIC_SECRET_0'
    socket.on('keylog', (line: Buffer) => {
      const [name, , secret = ''] = line.toString().trim().split(' ')
      if (name === secretName) this.#secret = Buffer.from(secret, 'hex')
    })
    socket.on('data', (chunk: Buffer) => {
      this.#hasAnswer = true
      if (this.#received.length < 4096) this.#received += chunk.toString('latin1')
    })
  }

  async play(): Promise<void> {
    const secured = new Promise((resolve) => this.#socket.once(this.#isServer ? 'secure' : 'secureConnect', resolve))
    await this.#atMost(secured, this.#isRuly)
    const { acts } = this.#sequence
    // A server that answers before the request would always meet a client within its handshake.
    if (this.#isServer && this.#received === '')
      await this.#atMost(new Promise((resolve) => this.#socket.once('data', resolve)), this.#isRuly)
    const isForged = acts.some((act) => forged.has(act))
    if (isForged && this.#secret !== undefined) {
      const before = this.#isServer ? this.#wire.sealedSinceAnswer : 0
      this.#sealer = new RecordSealer(this.#secret, before)
    }
    for (const act of acts) {
      if (this.#wire.isGone) break
      await this.#do(act)
    }
    const isOver = this.#isRuly && (this.#stage === 'closed' || this.#stage === 'ended')
    if (isOver) this.#socket.end()
    await this.#atMost(this.#gone, isOver)
    this.#socket.destroy()
    this.#wire.destroy()
  }

  async #do(act: Act): Promise<void> {
    const wasRuly = this.#isRuly
    if (act !== 'a look') this.#step(act)
    if (forged.has(act)) this.#forge(act)
    else await this.#usual(act, wasRuly)
    await new Promise(setImmediate)
  }

  #step(act: Act): void {
    const step = ruly[act]
    if (step === undefined || step.from !== this.#stage) this.#isRuly = false
    else this.#stage = step.to
    this.#isAnswerDue = this.#isRuly && step?.isAnswered === true
  }

  async #usual(act: Act, wasRuly: boolean): Promise<void> {
    const opening = this.#request ?? answerTo(this.#received)
    const half = opening.length >> 1
    const message = clientFrame(opcodes.text, 'hello', { masked: !this.#isServer })
    if (act === 'request') this.#write(opening)
    else if (act === 'half a request') this.#write(opening.subarray(0, half))
    else if (act === 'the rest') this.#write(opening.subarray(half))
    else if (act === 'messages') this.#write(Buffer.concat([message, message, message]))
    else if (act === 'half a message') this.#write(message.subarray(0, 4))
    else if (act === 'a close') this.#write(clientFrame(opcodes.close, Buffer.of(3, 0xe8), { masked: !this.#isServer }))
    else if (act === 'garbage') this.#write(Buffer.alloc(100, '\u0081\u00ff\u0000garbage', 'latin1'))
    else if (act === 'a look') await this.#look()
    else if (act === 'renegotiation') await this.#renegotiate(wasRuly)
    else if (act === 'renegotiations at once') await Promise.all([1, 2, 3, 4].map(() => this.#renegotiate(wasRuly)))
    else if (act === 'close_notify') this.#socket.end()
    else if (act === 'an end of TCP') this.#wire.end()
    else if (act === 'a reset') this.#wire.reset()
    else if (act === 'no reading') this.#wire.pause()
  }

  async #look(): Promise<void> {
    if (this.#hasAnswer) return
    await this.#atMost(new Promise((resolve) => this.#socket.once('data', resolve)), this.#isAnswerDue)
  }

  #write(bytes: Uint8Array): void {
    this.#hasAnswer = false
    if (this.#sealer !== undefined) this.#wire.pass(this.#sealer.seal(applicationData, bytes))
    else if (this.#socket.writable) this.#socket.write(bytes)
  }

  async #renegotiate(wasRuly: boolean): Promise<void> {
    const done = new Promise<void>((resolve) => {
      try {
        this.#socket.renegotiate({ rejectUnauthorized: false }, () => resolve())
      } catch {
        // TLS 1.3 has no renegotiation.
        resolve()
      }
    })
    await this.#atMost(done, this.#sequence.version === 'TLSv1.2' && wasRuly)
  }

  #forge(act: Act): void {
    const sealer = this.#sealer
    if (sealer === undefined) return
    const send = (type: number, ...content: number[]): void => this.#wire.pass(sealer.seal(type, Buffer.from(content)))
    if (act === 'key updates' || act === 'key updates that ask for ours') {
      const updates = Array.from({ length: 40 }, () => sealer.updateKey(act !== 'key updates'))
      this.#wire.pass(Buffer.concat(updates))
    } else if (act === 'a fatal alert') send(alert, 2, 80)
    else if (act === 'a warning') send(alert, 1, 90)
    else if (act === 'close_notify within a message') {
      this.#write(clientFrame(opcodes.text, 'hello', { masked: !this.#isServer }).subarray(0, 4))
      send(alert, 1, 0)
    } else if (act === 'a ticket') send(handshake, 4, 0, 0, 14, 0, 0, 0, 9, 1, 2, 3, 4, 0, 0, 1, 7, 0, 0)
    else if (act === 'a request for a certificate') send(handshake, 13, 0, 0, 11, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3)
    else if (act === 'a hello') send(handshake, 1, 0, 0, 4, 3, 3, 0, 0)
    else if (act === 'empty records') for (let count = 0; count < 40; count++) send(applicationData)
    else if (act === 'a record of zeros') send(0, 0, 0, 0, 0)
    else if (act === 'an unknown type') send(99, 1, 2, 3)
    else if (act === 'a record with a wrong tag') {
      const record = sealer.seal(applicationData, Buffer.from('x'))
      record[record.length - 1]! ^= 1
      this.#wire.pass(record)
    } else if (act === 'a handshake message in pieces') {
      send(handshake, 24, 0, 0)
      send(applicationData, 1)
    } else send(handshake, 5, 0, 0, 0)
  }

  #atMost(until: Promise<unknown>, isDue = false): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, isDue ? dueWithinMs : patienceMs)
    })
    return Promise.race([until, this.#gone, late]).finally(() => clearTimeout(timer))
  }
}
