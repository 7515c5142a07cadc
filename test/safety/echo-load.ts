/** A thread with many peers of the echo service, which all ask for the same by their URL. */
import { connect, type Socket } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { request, requestLines } from 'twoway-testing/peers/handshake-request.js'

export interface EchoLoad {
  readonly port: number
  /** What the URL asks, with its question mark. */
  readonly query: string
  readonly peers: number
  /** Whether they read what comes. */
  readonly reads: boolean
  /** Bytes of a message that each sends, over and over; 0 where they send nothing. */
  readonly sendsBytes: number
}

const { port, query, peers, reads, sendsBytes } = workerData as EchoLoad
const message = sendsBytes === 0 ? undefined : clientFrame(opcodes.binary, Buffer.alloc(sendsBytes, 'x'))
/** Small messages are written many at a time, as one that floods does. */
const written =
  message === undefined
    ? undefined
    : Buffer.concat(Array(Math.max(1, Math.floor(65_536 / message.length))).fill(message))
const lines = requestLines(port, { 'Sec-WebSocket-Extensions': 'permessage-deflate' })
const head = request(lines, `GET /${query} HTTP/1.1`)

for (let count = 0; count < peers; count++) begin()
setTimeout(() => parentPort!.postMessage('began'), 500)

function begin(): void {
  const buffer = Buffer.alloc(65_536)
  // What comes is not looked at, so that the peers are faster than the service.
  const socket = connect({ port, host: '127.0.0.1', onread: { buffer, callback: () => reads } })
  socket.on('error', () => {})
  socket.write(head)
  if (written !== undefined) pour(socket, written)
}

function pour(socket: Socket, bytes: Buffer): void {
  socket.on('drain', () => pourMore())
  pourMore()
  function pourMore(): void {
    while (!socket.destroyed && socket.write(bytes)) {}
  }
}
