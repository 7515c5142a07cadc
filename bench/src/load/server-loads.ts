import { constants, inflateRawSync } from 'node:zlib'
import type { BroadcastLoad, EchoLoad, HandshakeLoad, IdleLoad, LoadOrder, Measurement } from './load.js'
import { HeaderCounter, LengthCounter } from './message-counter.js'
import { processUsage } from './process-usage.js'
import { openRawConnection, openRawConnections, type RawConnection } from './raw-connection.js'
import { Tally } from './tally.js'
import { compressedBit, messageOf, payloadOf } from './wire.js'

type Target = LoadOrder & { readonly pid: number; readonly port: number }

export async function runEcho(load: EchoLoad, order: Target): Promise<Measurement> {
  const { content, bytes, connections: count, inFlight, fragments = 1, compressed = false } = load
  const payload = payloadOf(content, bytes)
  const message = messageOf(content, payload, { masked: true, fragments, compressed })
  const answer = messageOf(content, payload)
  // Made in advance, so that only the write is measured.
  const all = Buffer.concat(Array.from({ length: inFlight }, () => message))
  const firstOnes = Array.from({ length: inFlight + 1 }, (_, some) => all.subarray(0, some * message.length))

  const connections = await openRawConnections(count, { ...order, compressed })
  const check = compressed ? checkCompressedAnswer : checkAnswer
  await Promise.all(connections.map((connection) => check(connection, message, answer, payload)))
  const tally = new Tally(order.pid)
  for (const connection of connections) {
    const { socket } = connection
    const sentAt = new Float64Array(inFlight).fill(performance.now())
    // With context takeover the server's later answers are shorter.
    const answers = compressed ? new HeaderCounter() : new LengthCounter(answer.length)
    let oldest = 0
    connection.receive = (bytes, length) => {
      const done = answers.count(bytes, length)
      if (done === 0) return
      const now = performance.now()
      tally.add(done, now - sentAt[oldest]!)
      for (let index = 0; index < done; index++) {
        sentAt[oldest] = now
        oldest = oldest + 1 === inFlight ? 0 : oldest + 1
      }
      socket.write(firstOnes[done]!)
    }
    socket.write(all)
  }
  return tally.measure(order)
}

export async function runBroadcast({ bytes, connections: count }: BroadcastLoad, order: Target): Promise<Measurement> {
  const payload = payloadOf('ascii', bytes)
  const message = messageOf('ascii', payload, { masked: true })
  const delivery = messageOf('ascii', payload)
  const connections = await openRawConnections(count, order)
  const tally = new Tally(order.pid)
  for (const [index, connection] of connections.entries()) {
    const { socket } = connection
    const isSender = index === 0
    const deliveries = new LengthCounter(delivery.length)
    let sentAt = performance.now()
    connection.receive = (bytes, length) => {
      const done = deliveries.count(bytes, length)
      if (!isSender || done === 0) {
        tally.count(done)
        return
      }
      const now = performance.now()
      tally.add(done, now - sentAt)
      sentAt = now
      socket.write(message)
    }
  }
  connections[0]!.socket.write(message)
  return tally.measure(order)
}

export async function runHandshakes({ connections }: HandshakeLoad, order: Target): Promise<Measurement> {
  const tally = new Tally(order.pid)
  let failed: (error: Error) => void
  const failure = new Promise<never>((_, reject) => {
    failed = reject
  })
  const openAndDrop = async (): Promise<void> => {
    for (;;) {
      const begunAt = performance.now()
      const { socket } = await openRawConnection(order)
      tally.add(1, performance.now() - begunAt)
      // An orderly end would leave the port in TIME_WAIT, and there are fewer than 30,000 ports.
      socket.resetAndDestroy()
    }
  }
  for (let index = 0; index < connections; index++) openAndDrop().catch((error: Error) => failed(error))
  return Promise.race([tally.measure(order), failure])
}

/** The time that a server has to become idle. */
const restMs = 1000

export async function runIdle({ connections: count }: IdleLoad, order: Target): Promise<Measurement> {
  const before = processUsage(order.pid)
  await openRawConnections(count, order)
  await new Promise((resolve) => setTimeout(resolve, restMs))
  const { memory } = processUsage(order.pid)
  const cost = (memory - before.memory) / count
  return { cost, perSecond: 0, p50: undefined, p99: undefined, memory, busy: 0, generatorBusy: 0 }
}

/** Rejects if the first message does not come back unchanged, because counting bytes would then be meaningless. */
function checkAnswer(connection: RawConnection, message: Buffer, answer: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let at = 0
    connection.receive = (bytes, length) => {
      if (bytes.compare(answer, at, at + length, 0, length) !== 0) {
        reject(new Error('the server did not send the message back as it came, in one frame'))
      }
      at += length
      if (at === answer.length) resolve()
    }
    connection.socket.write(message)
  })
}

/** Rejects if the first message does not come back compressed. */
function checkCompressedAnswer(
  connection: RawConnection,
  message: Buffer,
  _answer: Buffer,
  payload: Buffer,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let arrived = Buffer.alloc(0)
    connection.receive = (bytes, length) => {
      arrived = Buffer.concat([arrived, bytes.subarray(0, length)])
      if (arrived.length < 4 || new HeaderCounter().count(arrived, arrived.length) === 0) return
      const headerBytes = (arrived[1]! & 0x7f) < 126 ? 2 : 4
      // The bytes that a sender removes from the end, RFC 7692 §7.2.2.
      const deflated = Buffer.concat([arrived.subarray(headerBytes), Buffer.from('0000ffff', 'hex')])
      const isRight =
        (arrived[0]! & compressedBit) !== 0 &&
        inflateRawSync(deflated, { finishFlush: constants.Z_SYNC_FLUSH }).equals(payload)
      if (isRight) resolve()
      else reject(new Error('the server did not send the message back compressed'))
    }
    connection.socket.write(message)
  })
}
