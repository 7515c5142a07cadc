import { type Dialect, dialects, type RoomDialect } from './dialect.js'
import type { LoadOrder, Measurement, RoomLoad } from './load.js'
import { HeaderCounter } from './message-counter.js'
import { openRawConnections, type RawConnection } from './raw-connection.js'
import { Tally } from './tally.js'
import { messageOf, payloadOf } from './wire.js'

type Target = LoadOrder & { readonly pid: number; readonly port: number }
type ClientDialect = NonNullable<Dialect['client']>

/** Clients of a rival's own protocol: one of them publishes to all, or each of them asks and waits for the answer. */
export async function runRoom({ does, bytes, connections: count }: RoomLoad, order: Target): Promise<Measurement> {
  const dialect: ClientDialect = dialects[order.speaks as RoomDialect].client
  const connections = await openRawConnections(count, { ...order, dialect })
  await Promise.all(connections.map((connection) => greet(connection, dialect)))
  const text = payloadOf('ascii', bytes).toString('latin1')
  const message = textFrame(does === 'publish' ? dialect.publish(text) : dialect.request(text))
  const tally = new Tally(order.pid)
  for (const [index, connection] of connections.entries()) {
    const isSender = does === 'request' || index === 0
    const perRound = does === 'request' ? 1 : dialect.perPublish
    const counter = new HeaderCounter()
    let due = perRound
    let sentAt = performance.now()
    connection.receive = (received, length) => {
      const done = counter.count(received, length)
      if (!isSender) return tally.count(done)
      due -= done
      if (due > 0) return undefined
      due = perRound
      const now = performance.now()
      tally.add(1, now - sentAt)
      sentAt = now
      connection.socket.write(message)
      return undefined
    }
    if (isSender) connection.socket.write(message)
  }
  return tally.measure(order)
}

function greet(connection: RawConnection, { greeting, welcome }: ClientDialect): Promise<void> {
  return new Promise((resolve) => {
    const counter = new HeaderCounter()
    let heard = 0
    let said = 0
    const sayNext = (): void => {
      const text = greeting[said]
      said += 1
      if (text !== undefined && text !== '') connection.socket.write(textFrame(text))
    }
    connection.receive = (bytes, length) => {
      for (let count = counter.count(bytes, length); count > 0; count -= 1) {
        heard += 1
        sayNext()
      }
      if (heard >= welcome) resolve()
    }
    sayNext()
    const { leftover } = connection
    if (leftover.length > 0) connection.receive(leftover, leftover.length)
  })
}

function textFrame(text: string): Buffer {
  return messageOf('ascii', Buffer.from(text), { masked: true })
}
