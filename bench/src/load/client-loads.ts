import { createHash } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { type Dialect, type DialectName, dialects } from './dialect.js'
import type { ClientLoad, Identity, TopicClientLoad } from './load.js'
import { HeaderCounter } from './message-counter.js'
import type { Tally } from './tally.js'
import { messageOf, payloadOf } from './wire.js'

/** The constant in the accept key, RFC 6455 §1.3. */
const keySuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** A masked frame's header is four bytes longer. */
const maskingKeyBytes = 4

/** An empty binary message from a server, and the length of one from a client. */
const emptyMessage = messageOf('binary', Buffer.alloc(0))
const emptyMaskedBytes = emptyMessage.length + maskingKeyBytes

/** Batches in flight on each connection. */
const batchesUnderWay = 2

/** Listens as a server that speaks the clients' own protocol, publishes to them, and counts what they receive. */
export function listenForTopicClients(
  load: TopicClientLoad,
  speaks: DialectName,
  tally: () => Tally | undefined,
): Promise<Server & { port: number }> {
  const dialect: Dialect['server'] = dialects[speaks].server
  const text = payloadOf('ascii', load.bytes).toString('latin1')
  const framed = (message: string): Buffer => messageOf('ascii', Buffer.from(message))

  return listen(undefined, dialect.protocol, (socket) => {
    const counter = new HeaderCounter(true)
    let offset = 0
    let said = 0
    let begunAt = 0
    const greet = (): void => {
      socket.write(framed(dialect.answers[said]!))
      said += 1
    }
    const sendBatch = (): void => {
      const batch = Array.from({ length: load.batch }, () => {
        offset += 1
        return framed(dialect.message(text, offset))
      })
      socket.write(Buffer.concat(batch))
    }
    socket.on('data', (bytes) => {
      for (let count = counter.count(bytes, bytes.length); count > 0; count -= 1) {
        if (said < dialect.answers.length) {
          greet()
          if (said < dialect.answers.length) continue
          begunAt = performance.now()
          for (let batch = 0; batch < batchesUnderWay; batch += 1) sendBatch()
          continue
        }
        const now = performance.now()
        tally()?.add(load.batch, now - begunAt)
        begunAt = now
        sendBatch()
      }
    })
    if (dialect.speaksFirst) greet()
  })
}

/** Listens as a server for the clients under test, and counts in the tally what they receive or send. */
export function listenForClients(
  load: ClientLoad,
  identity: Identity | undefined,
  tally: () => Tally | undefined,
): Promise<Server & { port: number }> {
  const message = messageOf(load.content, payloadOf(load.content, load.bytes))
  const batch = Buffer.concat(Array.from({ length: load.batch }, () => message))
  const receives = load.kind === 'clientReceives'
  // The bytes that the client sends before the next batch is due: its answer to a batch, or a batch.
  const dueBytes = receives ? emptyMaskedBytes : load.batch * (message.length + maskingKeyBytes)
  const next = receives ? batch : emptyMessage

  const serveClient = (socket: Socket): void => {
    let arrived = 0
    let begunAt = performance.now()
    socket.on('data', (bytes) => {
      arrived += bytes.length
      const done = Math.floor(arrived / dueBytes)
      arrived -= done * dueBytes
      if (done === 0) return
      const now = performance.now()
      tally()?.add(done * load.batch, now - begunAt)
      begunAt = now
      for (let index = 0; index < done; index++) socket.write(next)
    })
    if (receives) for (let index = 0; index < batchesUnderWay; index++) socket.write(batch)
  }

  return listen(identity, undefined, serveClient)
}

/** Listens, answers the opening handshakes, and hands the sockets over. */
function listen(
  identity: Identity | undefined,
  protocol: string | undefined,
  serve: (socket: Socket) => void,
): Promise<Server & { port: number }> {
  const onSocket = (socket: Socket): void => {
    socket.on('error', () => {})
    socket.once('data', (head) => {
      socket.write(acceptance(head.toString('latin1'), protocol))
      serve(socket)
    })
  }
  const options = { noDelay: true }
  const server =
    identity === undefined ? createServer(options, onSocket) : createTlsServer({ ...options, ...identity }, onSocket)
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve(Object.assign(server, { port: (server.address() as AddressInfo).port }))
    })
  })
}

function acceptance(request: string, protocol: string | undefined): string {
  const key = /^sec-websocket-key: *(\S+)/im.exec(request)?.[1] ?? ''
  const accept = createHash('sha1').update(`${key}${keySuffix}`).digest('base64')
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}
