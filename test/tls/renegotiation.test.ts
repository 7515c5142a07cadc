import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { connect, type Server, type TLSSocket } from 'node:tls'
import { generate } from 'selfsigned'
import { attach, type ServerHandlers, serve } from 'twoway/server'
import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { request, requestLines } from 'twoway-testing/peers/handshake-request.js'
import { startEcho, startTwoway } from '../echo-process.js'

const loopback = '127.0.0.1'

/** The stages of a connection at which a peer renegotiates. */
const stages = [
  'before the request',
  'within the request',
  'after the answer',
  'within a frame',
  'after an echo',
] as const

type Stage = (typeof stages)[number]

interface Host {
  readonly port: number
  stop(): unknown
}

const bystanderPath = '/bystander'
let closes: string[] = []

const handlers: ServerHandlers<string> = {
  upgrade: ({ url }) => ({ data: url }),
  message: (socket, message) => socket.send(message),
  close(socket, { code, wasClean }) {
    if (!socket.data.endsWith(bystanderPath)) closes.push(`${code} ${wasClean}`)
  },
}

const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
  keyType: 'ec',
  algorithm: 'sha256',
})

async function attached(server: Server): Promise<Host> {
  attach(server, handlers)
  server.listen(0, loopback)
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, stop: () => server.close() }
}

const hosts: Readonly<Record<string, () => Promise<Host>>> = {
  async serve() {
    const server = await serve({ ...handlers, port: 0, host: loopback, tls: { cert, key } })
    return { port: server.port, stop: () => server.close() }
  },
  'attach on node:https': () => attached(createServer({ cert, key })),
  'attach on node:http2 with allowHTTP1': () => attached(createSecureServer({ cert, key, allowHTTP1: true })),
  async 'twoway echo --tls'() {
    const { process, url } = await startEcho(['--tls'])
    return { port: Number(new URL(url).port), stop: () => process.kill() }
  },
  async 'twoway listen --tls'() {
    const process = startTwoway(['listen', '--tls', '--port', '0'], { stdio: ['pipe', 'pipe', 'pipe'] })
    const port = await new Promise<number>((resolve, reject) => {
      const look = (): void => {
        const found = /wss:\/\/[^:\s]+:(\d+)/.exec(process.stdout + process.stderr)
        if (found !== null) resolve(Number(found[1]))
      }
      process.child.stdout!.on('data', look)
      process.child.stderr!.on('data', look)
      process.ended.then(({ stderr }) => reject(new Error(stderr)))
    })
    return { port, stop: () => process.kill() }
  },
}

/** A TLS 1.2 peer at this stage. */
async function peerAt(stage: Stage, port: number, echoes: boolean, path = '/'): Promise<TLSSocket> {
  const options = { port, host: loopback, rejectUnauthorized: false, maxVersion: 'TLSv1.2' } as const
  const socket = connect(options)
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  const opening = request(requestLines(port), `GET ${path} HTTP/1.1`)
  if (stage === 'before the request') return socket
  if (stage === 'within the request') {
    socket.write(opening.slice(0, 40))
    return socket
  }
  socket.write(opening)
  const [head] = (await once(socket, 'data')) as [Buffer]
  assert.match(head.toString('latin1'), /^HTTP\/1\.1 101 /)
  const message = clientFrame(opcodes.text, 'hello')
  if (stage === 'within a frame') socket.write(message.subarray(0, 8))
  if (stage === 'after an echo') {
    socket.write(message)
    if (echoes) await once(socket, 'data')
  }
  return socket
}

for (const [name, start] of Object.entries(hosts)) {
  describe(`a TLS 1.2 renegotiation with ${name}`, () => {
    let host: Host
    before(async () => {
      host = await start()
    })
    after(() => host.stop())

    const isAttached = name.startsWith('attach')
    for (const stage of stages) {
      const isTheApps = isAttached && (stage === 'before the request' || stage === 'within the request')
      it(`${stage} ${isTheApps ? "is the app's affair" : 'ends the connection'}, and nothing else`, async () => {
        closes = []
        const socket = await peerAt(stage, host.port, name !== 'twoway listen --tls')
        // `once` would reject at a reset, which comes where something was not read yet.
        // A peer on Node 26 never closes where its renegotiation was cut off, though the server's end has come.
        const gone = new Promise((resolve) => socket.once('end', resolve).once('close', resolve))
        const done = new Promise<void>((resolve) => socket.renegotiate({ rejectUnauthorized: false }, () => resolve()))
        if (isTheApps) {
          await done
          socket.destroy()
        }
        await gone
        socket.destroy()
        const hadOpened = !isTheApps && stage !== 'before the request' && stage !== 'within the request'
        if (hadOpened && !name.startsWith('twoway')) assert.deepEqual(closes, ['1006 false'])
        const bystander = await peerAt('after the answer', host.port, false, bystanderPath)
        bystander.destroy()
      })
    }
  })
}
