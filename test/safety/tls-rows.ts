import { connect as connectTcp } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { request, requestLines } from 'twoway-testing/peers/handshake-request.js'
import { figure, type Row } from './row.js'
import type { ServerProcess } from './server-process.js'

const patienceMs = 3000
const tries = 10

/** Resolves with false if it takes too long, or if the connection closes first. */
function inTime(socket: TLSSocket, begin: (done: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), patienceMs)
    const settle = (isDone: boolean): void => {
      clearTimeout(timer)
      resolve(isDone)
    }
    socket.once('close', () => settle(false))
    if (socket.destroyed) settle(false)
    else begin(() => settle(true))
  })
}

async function open(port: number): Promise<TLSSocket | undefined> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' })
  socket.on('error', () => {})
  return (await inTime(socket, (done) => socket.once('secureConnect', done))) ? socket : undefined
}

/** A connection that has received an echo. */
async function echoed(port: number): Promise<TLSSocket | undefined> {
  const socket = await open(port)
  if (socket === undefined) return undefined
  let received = ''
  const holds = (what: string): Promise<boolean> =>
    inTime(socket, (done) => {
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString('latin1')
        if (received.includes(what)) done()
      })
    })
  socket.write(request(requestLines(port)))
  if (!(await holds('\r\n\r\n'))) return undefined
  socket.write(clientFrame(opcodes.text, 'hello, everyone'))
  return (await holds('hello, everyone')) ? socket : undefined
}

/** Sends four bytes of a record of 256, and then ends TCP. */
async function breakOff(port: number): Promise<void> {
  const under = connectTcp({ port, host: '127.0.0.1' })
  under.on('error', () => {})
  const closed = new Promise((resolve) => under.once('close', resolve))
  const socket = connect({ socket: under, rejectUnauthorized: false, maxVersion: 'TLSv1.2' })
  socket.on('error', () => {})
  await inTime(socket, (done) => socket.once('secureConnect', done))
  under.end(Buffer.from('1703030100abababab', 'hex'))
  const timer = setTimeout(() => under.destroy(), patienceMs)
  await closed
  clearTimeout(timer)
  socket.destroy()
}

async function fareOf(server: ServerProcess): Promise<readonly [words: string, isWell: boolean]> {
  const other = await echoed(server.port)
  other?.destroy()
  if (server.hasEnded) return ['the process ends', false]
  return other === undefined ? ['others are not served', false] : ['others are served', true]
}

function renegotiation(when: string, begin: (port: number) => Promise<TLSSocket | undefined>): Row {
  return {
    property: `a peer that renegotiates TLS 1.2 ${when}, up to ${tries} times`,
    promise: 'ends its connection at the first one, and nothing else',
    mode: 'tls',
    async measure(server) {
      const peer = await begin(server.port)
      if (peer === undefined) return figure('no connection', false)
      let count = 0
      const again = (): Promise<boolean> =>
        inTime(peer, (done) => {
          peer.renegotiate({ rejectUnauthorized: false }, (error) => {
            if (error === null || error === undefined) done()
          })
        })
      while (count < tries && (await again())) count += 1
      if (!peer.destroyed) await inTime(peer, () => {})
      const hasEnded = peer.destroyed
      peer.destroy()
      const [words, isWell] = await fareOf(server)
      const met = count > 0 ? `${count} are done` : hasEnded ? 'the connection ends' : 'none is answered'
      return figure(`${met}; ${words}`, count === 0 && hasEnded && isWell)
    },
  }
}

export const tlsRows: readonly Row[] = [
  renegotiation('before any request', open),
  renegotiation('amid its messages', echoed),
  {
    property: `${tries * 10} TLS connections that end within a record`,
    promise: 'end, and nothing else',
    mode: 'tls',
    async measure(server) {
      await Promise.all(Array.from({ length: tries * 10 }, () => breakOff(server.port)))
      const [words, isWell] = await fareOf(server)
      return figure(words, isWell)
    },
  },
]
