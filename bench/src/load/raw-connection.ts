import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Dialect } from './dialect.js'
import { openingRequest } from './wire.js'

/** One buffer for all connections: each read is processed before the next one starts. */
const readBuffer = Buffer.allocUnsafeSlow(1 << 20)

/** Receives the bytes that arrive after the opening handshake. The buffer is reused after the call. */
export type Receive = (bytes: Buffer, length: number) => void

/** The server to connect to, and the form of the connection. */
export interface RawTarget {
  readonly port: number
  readonly tls: boolean
  readonly compressed?: boolean | undefined
  /** The protocol over the WebSocket, whose server may speak first. */
  readonly dialect?: Dialect['client'] | undefined
}

/**
 * A connection to the server under test. It keeps no frames and allocates nothing for a read, unlike the `RawSocket` of
 * the tests: the load generator must cost less than the server it measures.
 */
export interface RawConnection {
  readonly socket: Socket
  receive: Receive
  /** The bytes that came right behind the server's handshake. */
  readonly leftover: Buffer
}

/** Opens a connection and performs the opening handshake; rejects if the status is not 101. */
export function openRawConnection({ port, tls, compressed = false, dialect }: RawTarget): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    let head = ''
    const readHead: Receive = (bytes, length) => {
      head += bytes.toString('latin1', 0, length)
      if (!head.includes('\r\n\r\n')) return
      if (!head.startsWith('HTTP/1.1 101 ')) reject(new Error(`the server answered: ${head.split('\r\n')[0]}`))
      const leftover = head.slice(head.indexOf('\r\n\r\n') + 4)
      if (leftover !== '' && dialect === undefined)
        reject(new Error('the server sent data together with its handshake'))
      resolve(Object.assign(connection, { leftover: Buffer.from(leftover, 'latin1') }))
    }
    const options = {
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback(length: number, bytes: Uint8Array): boolean {
          connection.receive(bytes as Buffer, length)
          return true
        },
      },
    }
    const begin = (): void => {
      socket.write(openingRequest(port, compressed, dialect))
    }
    // The certificate was made for this run, and its verification is not part of the measurement.
    const socket = tls ? connectTls({ ...options, rejectUnauthorized: false }, begin) : connectTcp(options, begin)
    const connection: RawConnection = { socket, receive: readHead, leftover: Buffer.alloc(0) }
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the server closed a connection')))
  })
}

/** Opens many connections, some at a time. The process ends if the server closes one of them afterwards. */
export async function openRawConnections(count: number, target: RawTarget): Promise<RawConnection[]> {
  const connections: RawConnection[] = []
  const openSome = async (): Promise<void> => {
    while (opening < count) {
      opening++
      const connection = await openRawConnection(target)
      connection.socket.once('close', endForLoss)
      connections.push(connection)
    }
  }
  let opening = 0
  await Promise.all(Array.from({ length: 64 }, openSome))
  return connections
}

function endForLoss(): void {
  console.error('the server closed a connection')
  process.exit(1)
}
