/** Compares a connection with a simple model of the send queue, in random sequences of calls. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { concat, frame, fromHex, toHex } from 'twoway-testing/bytes.js'
import { ConnectionHarness } from 'twoway-testing/harnesses/connection-harness.js'
import type { Encoded } from '../ports/deflate-codec.js'
import { webPayload } from '../runtimes/web/payload.js'
import type { Extension, SharedEncoder } from './extensions/extension.js'
import { BroadcastMessage } from './sending/broadcast-message.js'
import { byReferenceBytes } from './sending/frame-writer.js'
import type { MessageWriter } from './sending/message-writer.js'

const highWaterMarkBytes = 300
/** Payloads of this length or more are encoded asynchronously. */
const slowFrom = 10

/** Encodes to the same bytes: short payloads at once, long ones when told to. */
class Encoder implements Extension {
  readonly name = 'x-encoder'
  readonly messageBits = 4
  readonly heldBytes = 0
  readonly encodesPieces = true
  readonly shared: SharedEncoder | undefined
  #finish: (() => void) | undefined
  readonly #finishShared: (() => void)[] = []

  constructor(isShared: boolean) {
    if (!isShared) return
    this.shared = {
      encode: (bytes, start, end, done) =>
        this.#encode(bytes, start, end, done, (finish) => this.#finishShared.push(finish)),
    }
  }

  wants(length: number, compress: boolean | undefined): boolean {
    return length > 0 && compress !== false
  }

  encode(bytes: Uint8Array, start: number, end: number, _last: boolean, _most: number, done: Encoded) {
    assert.equal(this.#finish, undefined, 'one thing is encoded at a time')
    return this.#encode(bytes, start, end, done, (finish) => {
      this.#finish = finish
    })
  }

  decode(): 'done' {
    return 'done'
  }

  finish(): void {
    const finish = this.#finish ?? this.#finishShared.shift()
    this.#finish = undefined
    finish?.()
  }

  stopDecoding(): void {}

  close(): void {
    this.#finish = undefined
  }

  #encode(bytes: Uint8Array, start: number, end: number, done: Encoded, keep: (finish: () => void) => void) {
    const before = bytes.slice(start, end)
    if (end - start < slowFrom) return before
    keep(() => {
      assert.ok(toHex(bytes.subarray(start, end)) === toHex(before), 'the bytes are left unchanged meanwhile')
      done(before)
    })
    return 'later' as const
  }
}

/** An entry of the model. */
type Entry =
  | {
      readonly kind: 'whole'
      readonly bytes: Uint8Array
      readonly text: boolean
      readonly slow: boolean
      begun: boolean
    }
  | {
      readonly kind: 'read'
      readonly bytes: Uint8Array
      readonly read: (bytes: Uint8Array) => void
      isRead: boolean
      begun: boolean
    }
  | {
      readonly kind: 'stream'
      readonly message: MessageWriter
      bytes: Uint8Array
      isWriting: boolean
      isOver: boolean
    }
  | { readonly kind: 'close'; readonly code: number }

type Framed = { readonly opcode: number; readonly bytes: Uint8Array }

interface Op {
  readonly do:
    | 'text'
    | 'bytes'
    | 'broadcast'
    | 'later'
    | 'read'
    | 'stream'
    | 'write'
    | 'end'
    | 'abandon'
    | 'ping'
    | 'finish'
    | 'stall'
    | 'drain'
    | 'turn'
    | 'close'
    | 'peerClose'
    | 'fail'
    | 'terminate'
  readonly size: number
  readonly compress: boolean | undefined
}

class Model {
  readonly harness: ConnectionHarness
  readonly #encoder: Encoder | undefined
  readonly #role: 'client' | 'server'
  #entries: Entry[] = []
  readonly #framed: Framed[] = []
  #pings = 0
  #sent = 0
  #dropped = 0
  /** The message in pieces that was cut off by closing. */
  #cut: Uint8Array | undefined
  #isOpen = true
  #isGone = false

  constructor(role: 'client' | 'server', encoder: Encoder | undefined) {
    this.#role = role
    this.#encoder = encoder
    this.harness = new ConnectionHarness({
      role,
      limits: { highWaterMarkBytes, maxBufferedBytes: Number.POSITIVE_INFINITY, closeTimeoutMs: 1000 },
      ...(encoder && { extension: encoder }),
    })
  }

  async run(op: Op): Promise<void> {
    const { clock, transport } = this.harness
    const unsentBefore = this.harness.connection.unsentBytes
    this.#perform(op)
    const isSending = ['text', 'bytes', 'later', 'read', 'finish', 'ping'].includes(op.do)
    if (this.#role === 'client' && isSending && this.#isOpen) {
      assert.ok(this.harness.connection.unsentBytes >= unsentBefore, 'bufferedAmount does not fall within a task')
    }
    this.check()
    if (op.do === 'turn') clock.runTasks()
    if (op.do === 'drain') transport.drain()
    await settled()
    this.check()
  }

  /** Completes all asynchronous work. */
  async end(): Promise<void> {
    for (let round = 0; this.#entries.length > 0 || round < 5; round += 1) {
      assert.ok(round < 200, 'the queue comes to its end')
      const [head] = this.#entries
      const last = head?.kind === 'stream' ? 'end' : 'read'
      for (const what of ['drain', 'finish', 'turn', last] as const)
        await this.run({ do: what, size: 0, compress: true })
    }
    for (const what of ['turn', 'drain', 'turn'] as const) await this.run({ do: what, size: 0, compress: true })
    const { connection } = this.harness
    assert.equal(connection.waitingBytes, 0)
    if (this.#role === 'client') assert.equal(connection.unsentBytes, this.#dropped)
    this.#checkWire()
  }

  /** The waiting bytes are those of the entries and of frames that the network has not taken. */
  check(): void {
    const { connection, transport } = this.harness
    const written = transport.writes.reduce((sum, { length }) => sum + length, 0)
    const framed = connection.framedBytes - written + transport.pendingBytes
    const entries = this.#entries.reduce((sum, entry) => {
      if (entry.kind === 'close') return sum
      return sum + (entry.kind === 'stream' ? entry.message.waitingBytes : entry.bytes.length)
    }, 0)
    assert.equal(connection.waitingBytes, framed + entries)
  }

  #perform({ do: what, size, compress }: Op): void {
    const { connection, transport } = this.harness
    const stream = this.#entries.find((entry) => entry.kind === 'stream')
    const [head] = this.#entries
    switch (what) {
      case 'text':
      case 'bytes':
      case 'broadcast': {
        const bytes = this.#newBytes(size)
        const isText = what === 'text'
        const given = isText ? text(bytes) : bytes.slice()
        const message =
          what === 'broadcast' && this.#role === 'server'
            ? new BroadcastMessage(given, { payload: webPayload, clock: this.harness.clock })
            : given
        const result = connection.send(message, compress)
        // The sender may change the bytes again, except the long ones of a server's message.
        const isLent = this.#role === 'server' && what === 'bytes' && size >= byReferenceBytes
        if (given instanceof Uint8Array && !isLent) given.fill(0xff)
        assert.equal(result === 'closed', !this.#isOpen)
        const slow = this.#encoder !== undefined && size >= slowFrom && compress !== false
        if (this.#isOpen) this.#add({ kind: 'whole', bytes, text: isText, slow, begun: false })
        if (this.#isOpen) assert.equal(result, connection.waitingBytes > highWaterMarkBytes ? 'buffered' : 'sent')
        break
      }
      case 'later':
        if (!this.#isOpen || this.#role !== 'client') return
        this.#add({
          kind: 'read',
          bytes: this.#newBytes(size),
          read: connection.sendLater(size),
          isRead: false,
          begun: false,
        })
        break
      case 'read': {
        const entry = this.#entries.find((entry) => entry.kind === 'read' && !entry.isRead)
        if (entry?.kind !== 'read') return
        entry.isRead = true
        entry.read(entry.bytes.slice())
        break
      }
      case 'stream':
        if (!this.#isOpen || this.#role !== 'server') return
        this.#add({
          kind: 'stream',
          message: connection.sendInPieces({ type: 'binary', compress }, () => {}),
          bytes: new Uint8Array(0),
          isWriting: false,
          isOver: false,
        })
        break
      case 'write': {
        if (head?.kind !== 'stream' || head.isWriting || head.isOver) return
        assert.equal(head.message.turn(), undefined, 'it is its turn')
        const piece = this.#newBytes(size)
        head.bytes = concat(head.bytes, piece)
        const taken = head.message.write(piece)
        head.isWriting = taken !== undefined
        // A written piece was copied.
        if (taken === undefined) piece.fill(0xff)
        void taken?.then(() => {
          head.isWriting = false
          piece.fill(0xff)
        })
        break
      }
      case 'end':
        if (head?.kind !== 'stream' || head.isWriting || head.isOver) return
        head.message.end()
        head.isOver = true
        break
      case 'abandon':
        if (stream?.kind !== 'stream' || stream.message.hasBegun) return
        stream.message.abandon()
        this.#entries = this.#entries.filter((entry) => entry !== stream)
        break
      case 'ping':
        if (this.#isOpen) this.#pings += 1
        connection.ping(Uint8Array.of(size))
        break
      case 'finish':
        this.#encoder?.finish()
        if (head === undefined || !('begun' in head) || !head.begun) break
        this.#entries.shift()
        this.#frame(head)
        break
      case 'stall':
        transport.isFull = true
        break
      case 'close':
        connection.close(1000)
        this.#leaveOpen({ kind: 'close', code: 1000 })
        break
      case 'peerClose':
        if (!this.#isOpen) return
        this.harness.receive(frame({ opcode: 8, payload: fromHex('0fa1'), masked: this.#role === 'server' }))
        this.#leaveOpen({ kind: 'close', code: 0x0fa1 })
        break
      case 'fail':
        if (!this.#isOpen) return
        connection.fail(1011)
        this.#leaveOpen({ kind: 'close', code: 1011 }, 0)
        break
      case 'terminate':
        if (this.#isGone) return
        connection.terminate()
        this.#leaveOpen(undefined, 0)
        this.#drop(0)
        this.#isGone = true
        break
    }
    this.#advance()
  }

  #newBytes(size: number): Uint8Array {
    this.#sent += 1
    return Uint8Array.from({ length: size }, (_, index) => (index === 0 ? this.#sent % 128 : index % 128))
  }

  #add(entry: Entry): void {
    this.#entries.push(entry)
  }

  /**
   * §5.4: a message in pieces stays incomplete, and only the Close follows it; likewise a message whose bytes were not
   * read yet.
   */
  #leaveOpen(close: Entry | undefined, from?: number): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    const first = this.#entries.findIndex(
      (entry) => entry.kind === 'stream' || (entry.kind === 'read' && !entry.isRead),
    )
    this.#drop(from ?? (first < 0 ? this.#entries.length : first))
    if (close !== undefined) this.#add(close)
  }

  #drop(from: number): void {
    const [head] = this.#entries
    if (from === 0 && head?.kind === 'stream') this.#cut = head.bytes
    for (const entry of this.#entries.splice(from)) {
      if (entry.kind === 'whole' || entry.kind === 'read') this.#dropped += entry.bytes.length
    }
  }

  #advance(): void {
    for (let head = this.#entries[0]; head !== undefined; head = this.#entries[0]) {
      if (head.kind === 'whole') {
        head.begun = true
        if (head.slow) return
        this.#frame(head)
      } else if (head.kind === 'read') {
        head.begun = head.isRead && this.#encoder !== undefined && head.bytes.length >= slowFrom
        if (!head.isRead || head.begun) return
        this.#frame(head)
      } else if (head.kind === 'stream') {
        // The message has ended once its last fragment is framed.
        if (!head.isOver || head.message.waitingBytes > 0) return
        this.#framed.push({ opcode: 2, bytes: head.bytes })
      } else {
        this.#framed.push({ opcode: 8, bytes: Uint8Array.of(head.code >> 8, head.code) })
      }
      this.#entries.shift()
    }
  }

  #frame(entry: Entry & { readonly bytes: Uint8Array }): void {
    this.#framed.push({ opcode: entry.kind === 'whole' && entry.text ? 1 : 2, bytes: entry.bytes })
  }

  #checkWire(): void {
    const { messages, incomplete, pings } = readWire(this.harness.transport.written)
    assert.deepEqual(messages.map(shown), this.#framed.map(shown))
    assert.equal(pings, this.#pings)
    if (incomplete !== undefined) {
      const begun = this.#cut?.subarray(0, incomplete.length) ?? new Uint8Array(0)
      assert.ok(toHex(begun) === toHex(incomplete), 'only a message that was cut off is incomplete')
    }
  }
}

/** All pending continuations of promises have run. */
async function settled(): Promise<void> {
  for (let hop = 0; hop < 10; hop++) await undefined
}

function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

function shown({ opcode, bytes }: Framed): string {
  return `${opcode}: ${bytes.length} bytes, ${crc32(bytes)}`
}

/** The messages and the Close among the written frames, and the number of Pings between them. */
function readWire(bytes: Uint8Array) {
  const messages: Framed[] = []
  let message: { opcode: number; bytes: Uint8Array } | undefined
  let pings = 0
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at]!
    const masked = bytes[at + 1]! >= 0x80
    let length = bytes[at + 1]! & 0x7f
    at += 2
    if (length === 126) length = (bytes[at++]! << 8) | bytes[at++]!
    assert.ok(length < 2 ** 16)
    const key = bytes.subarray(at, at + 4)
    if (masked) at += 4
    const payload = bytes.slice(at, at + length)
    if (masked) for (let index = 0; index < length; index += 1) payload[index]! ^= key[index % 4]!
    at += length
    const opcode = first & 0x0f
    if (opcode === 9) {
      pings += 1
    } else if (opcode === 8) {
      messages.push({ opcode, bytes: payload })
    } else {
      assert.equal(opcode === 0, message !== undefined, '§5.4: no message goes between the fragments of another')
      message = { opcode: message?.opcode ?? opcode, bytes: concat(message?.bytes ?? new Uint8Array(0), payload) }
      if (first >= 0x80) {
        messages.push(message)
        message = undefined
      }
    }
  }
  return { messages, incomplete: message?.bytes, pings }
}

const common = ['text', 'bytes', 'bytes', 'ping', 'finish', 'finish', 'stall', 'drain', 'turn', 'turn'] as const
const ofRole = {
  server: [...common, 'broadcast', 'stream', 'write', 'write', 'write', 'end', 'end', 'abandon'],
  client: [...common, 'later', 'later', 'read', 'read'],
} as const
const last = ['close', 'close', 'peerClose', 'fail', 'terminate', 'turn'] as const

function ops(role: 'client' | 'server'): fc.Arbitrary<Op[]> {
  const size = fc.oneof(fc.nat(20), fc.nat(400), fc.constantFrom(0, 9000, 20_000))
  const compress = fc.constantFrom(undefined, undefined, true, false)
  const op = (of: readonly Op['do'][]) => fc.record({ do: fc.constantFrom(...of), size, compress })
  return fc
    .tuple(
      fc.array(op(ofRole[role]), { maxLength: 30 }),
      op(last),
      fc.array(op([...ofRole[role], ...last]), { maxLength: 10 }),
    )
    .map(([before, closing, after]) => [...before, closing, ...after])
}

describe("a connection's output compared with a model", () => {
  for (const role of ['server', 'client'] as const) {
    for (const encoder of ['no extension', 'an extension', 'an extension that shares its encoder'] as const) {
      if (role === 'client' && encoder === 'an extension that shares its encoder') continue
      it(`is in order, and counted while it waits: a ${role} with ${encoder}`, async () => {
        await fc.assert(
          fc.asyncProperty(ops(role), async (ops) => {
            const isShared = encoder === 'an extension that shares its encoder'
            const model = new Model(role, encoder === 'no extension' ? undefined : new Encoder(isShared))
            for (const op of ops) await model.run(op)
            await model.end()
          }),
          { numRuns: 300 },
        )
      })
    }
  }
})
