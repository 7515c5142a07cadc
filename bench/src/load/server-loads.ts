import type { BroadcastLoad, EchoLoad, HandshakeLoad, IdleLoad, LoadOrder, Measurement } from './load.js'
import { processUsage } from './process-usage.js'
import { openRawConnection, openRawConnections, type RawConnection } from './raw-connection.js'
import { Tally } from './tally.js'
import { messageOf, payloadOf } from './wire.js'

type Target = LoadOrder & { readonly pid: number; readonly port: number }

export async function runEcho(load: EchoLoad, order: Target): Promise<Measurement> {
  const { content, bytes, connections: count, inFlight, fragments = 1 } = load
  const payload = payloadOf(content, bytes)
  const message = messageOf(content, payload, { masked: true, fragments })
  const answer = messageOf(content, payload)
  // Made beforehand, so that a write costs no more than itself.
  const all = Buffer.concat(Array.from({ length: inFlight }, () => message))
  const firstOnes = Array.from({ length: inFlight + 1 }, (_, some) => all.subarray(0, some * message.length))

  const connections = await openRawConnections(count, order.port, order.tls)
  await Promise.all(connections.map((connection) => checkAnswer(connection, message, answer)))
  const tally = new Tally(order.pid)
  for (const connection of connections) {
    const { socket } = connection
    const sentAt = new Float64Array(inFlight).fill(performance.now())
    let oldest = 0
    let partial = 0
    connection.receive = (_, length) => {
      const arrived = partial + length
      const done = Math.floor(arrived / answer.length)
      partial = arrived - done * answer.length
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
  const connections = await openRawConnections(count, order.port, order.tls)
  const tally = new Tally(order.pid)
  for (const [index, connection] of connections.entries()) {
    const { socket } = connection
    const isSender = index === 0
    let partial = 0
    let sentAt = performance.now()
    connection.receive = (_, length) => {
      const arrived = partial + length
      const done = Math.floor(arrived / delivery.length)
      partial = arrived - done * delivery.length
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
      const { socket } = await openRawConnection(order.port, order.tls)
      tally.add(1, performance.now() - begunAt)
      // An orderly end would leave the port in TIME_WAIT, and there are less than 30,000 of them.
      socket.resetAndDestroy()
    }
  }
  for (let index = 0; index < connections; index++) openAndDrop().catch((error: Error) => failed(error))
  return Promise.race([tally.measure(order), failure])
}

/** How long a server has to come to rest. */
const restMs = 1000

export async function runIdle({ connections: count }: IdleLoad, order: Target): Promise<Measurement> {
  const before = processUsage(order.pid)
  await openRawConnections(count, order.port, order.tls)
  await new Promise((resolve) => setTimeout(resolve, restMs))
  const { memory } = processUsage(order.pid)
  const cost = (memory - before.memory) / count
  return { cost, perSecond: 0, p50: undefined, p99: undefined, memory, busy: 0, generatorBusy: 0 }
}

/** Rejects where the first message does not come back as it was sent: then counting octets would mean nothing. */
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
