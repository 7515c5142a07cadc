/** A thread with many peers of the echo service, all with the same URL. */
import { connect, type Socket } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { request, requestLines } from 'twoway-testing/peers/handshake-request.js'

export interface EchoLoad {
  readonly port: number
  /** The query of the URL, with its question mark. */
  readonly query: string
  readonly peers: number
  /** Whether the peers read. */
  readonly reads: boolean
  /** The length of the message that each peer sends repeatedly; 0 if they send nothing. */
  readonly sendsBytes: number
}

const { port, query, peers, reads, sendsBytes } = workerData as EchoLoad
const message = sendsBytes === 0 ? undefined : clientFrame(opcodes.binary, Buffer.alloc(sendsBytes, 'x'))
/** Small messages are written many at a time, as in a flood. */
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
  // The peers do not inspect what they receive, so that they are faster than the service.
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
