import { once } from 'node:events'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect, createSecureContext, type Server, type TLSSocket } from 'node:tls'
import { generate } from 'selfsigned'
import { WebSocket } from 'twoway'
import { attach } from 'twoway/server'

const loopback = '127.0.0.1'
const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
  keyType: 'ec',
  algorithm: 'sha256',
})

async function attached(context: TestContext, options: ServerOptions): Promise<Server> {
  const server = createServer({ cert, key, ...options })
  attach(server, { message: (socket, message) => socket.send(message), hosts: 'any', origin: 'any' })
  server.on('tlsClientError', (_, socket) => socket.destroy())
  server.listen(0, loopback)
  await once(server, 'listening')
  context.after(() => server.close())
  return server
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

async function opened(server: Server): Promise<WebSocket> {
  const socket = new WebSocket(`wss://${loopback}:${portOf(server)}`, { rejectUnauthorized: false })
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve())
    socket.addEventListener('close', () => reject(new Error('it did not open')))
  })
  return socket
}

async function echoes(socket: WebSocket): Promise<void> {
  const echo = new Promise((resolve, reject) => {
    socket.addEventListener('message', resolve)
    socket.addEventListener('close', ({ code }) => reject(new Error(`closed with ${code}`)))
  })
  socket.send('hello')
  await echo
}

function peerOf(server: Server, options: ConnectionOptions & { readonly requestOCSP?: boolean }): TLSSocket {
  const socket = connect({ port: portOf(server), host: loopback, rejectUnauthorized: false, ...options })
  return socket.on('error', () => {})
}

const gone = (socket: TLSSocket): Promise<unknown> => new Promise((resolve) => socket.once('close', resolve))

/** A peer that an app's callback makes fail is gone, and another is served. */
async function failsAlone(server: Server, options: Parameters<typeof peerOf>[1]): Promise<void> {
  await gone(peerOf(server, options))
  await serves(server)
}

async function serves(server: Server): Promise<void> {
  const bystander = await opened(server)
  await echoes(bystander)
  bystander.close()
}

describe("an app's callbacks of TLS that fail or are late end nothing but their connection", () => {
  const choosers = {
    throws() {
      throw new Error('no choice')
    },
    'chooses what was not offered': () => 'unheard-of',
    'chooses nothing': () => undefined,
  }
  for (const [what, choose] of Object.entries(choosers)) {
    test(`an ALPNCallback that ${what}`, async (context) => {
      const ALPNCallback = ({ protocols }: { readonly protocols: readonly string[] }): string | undefined =>
        protocols.includes('odd') ? choose() : 'http/1.1'
      const server = await attached(context, { ALPNCallback } as ServerOptions)
      await failsAlone(server, { ALPNProtocols: ['odd'] })
    })
  }

  test('an SNICallback that fails, answers twice, or answers once the peer is gone', async (context) => {
    const secure = createSecureContext({ cert, key })
    let answerLate: (() => void) | undefined
    let noteAsked: () => void
    const asked = new Promise<void>((resolve) => {
      noteAsked = resolve
    })
    const SNICallback: ServerOptions['SNICallback'] = (name, done) => {
      if (name === 'fails.test') done(new Error('no such name'))
      else if (name === 'twice.test') for (let count = 0; count < 2; count++) done(null, secure)
      else {
        answerLate = () => done(null, secure)
        noteAsked()
      }
    }
    const server = await attached(context, { SNICallback })
    await failsAlone(server, { servername: 'fails.test' })
    await failsAlone(server, { servername: 'twice.test' })
    const left = once(server, 'tlsClientError')
    const late = peerOf(server, { servername: 'late.test' })
    await asked
    late.destroy()
    await left
    answerLate!()
    await serves(server)
  })

  test('an OCSPRequest that fails, or is answered once the peer is gone', async (context) => {
    const server = await attached(context, {})
    server.once('OCSPRequest', (_, __, done) => done(new Error('no status'), null as unknown as Buffer))
    await failsAlone(server, { requestOCSP: true })
    const asked = once(server, 'OCSPRequest')
    const left = once(server, 'tlsClientError')
    const late = peerOf(server, { requestOCSP: true })
    const [, , done] = (await asked) as [Buffer, Buffer, (error: null, response: Buffer) => void]
    late.destroy()
    await left
    done(null, Buffer.from('late'))
    server.on('OCSPRequest', (_, __, answer) => answer(null, Buffer.from('x')))
    await serves(server)
  })
})

test("none of an HTTP server's times ends a WebSocket that was taken from it", async (context) => {
  const shortMs = 60
  const server = await attached(context, {
    headersTimeout: shortMs,
    requestTimeout: shortMs,
    keepAliveTimeout: shortMs,
    connectionsCheckingInterval: 20,
  })
  ;(server as unknown as { timeout: number }).timeout = shortMs
  const socket = await opened(server)
  // Connections that the times do end, one after the other: half a request, and one that waits for its next.
  for (const begin of [
    'GET / HTTP/1.1\r\nHost: a\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n',
  ]) {
    for (let count = 0; count < 3; count++) {
      const peer = peerOf(server, {})
      peer.write(begin)
      peer.resume()
      await gone(peer)
    }
  }
  await echoes(socket)
  socket.close()
})
