// Code that must compile with the types of a browser, of Node, of both or of neither.

import { WebSocket } from 'twoway'
import { check, type Same } from './same.js'

declare const log: (...values: unknown[]) => void

export function talk(): void {
  const ws = new WebSocket('wss://localhost:8443/echo', ['chat'])
  ws.binaryType = 'arraybuffer'
  ws.onopen = () => ws.send('Hello WebSockets!')
  ws.addEventListener('message', (event) => log(event.data))
  ws.onclose = ({ code, reason, wasClean }) => log(code, reason, wasClean)
  log(ws.bufferedAmount)
}

export function construct(): WebSocket[] {
  return [
    new WebSocket('ws://localhost'),
    new WebSocket('ws://localhost', 'chat'),
    new WebSocket('ws://localhost', {
      protocols: ['chat'],
      headers: { Authorization: 'Bearer me' },
      origin: 'https://me',
    }),
    new WebSocket('wss://localhost', { ca: 'PEM', rejectUnauthorized: false, handshakeTimeoutMs: 1000 }),
    new WebSocket('wss://localhost', { pfx: new Uint8Array(1), passphrase: 'a', checkServerIdentity: () => undefined }),
    new WebSocket('ws://localhost', { lookup: (_name, _options, done) => done(null, '127.0.0.1', 4), userAgent: '' }),
  ]
}

export function handle(ws: WebSocket): void {
  ws.onmessage = (event) => event.data
  ws.onclose = ({ code, reason, wasClean }) => {
    check<Same<typeof code, number>>()
    check<Same<typeof reason, string>>()
    check<Same<typeof wasClean, boolean>>()
  }
  ws.onopen = (event) => check<Same<typeof event.type, string>>()
  ws.onerror = (event) => check<Same<typeof event.message, string | undefined>>()
  ws.onopen = ({ headers }) => check<Same<ReturnType<NonNullable<typeof headers>['all']>, readonly string[]>>()
  ws.onclose = null
  ws.addEventListener('close', (event) => check<Same<typeof event.code, number>>())
  ws.addEventListener('close', (event) => log(event.wasClean), { once: true })
  ws.addEventListener('a name of my own', (event) => log(event))
  ws.addEventListener('open', { handleEvent: () => undefined })
  const listener = () => undefined
  ws.removeEventListener('close', listener)
  // @ts-expect-error an open event has no code
  ws.onopen = ({ code }) => code
  // @ts-expect-error nor has a message
  ws.addEventListener('message', (event) => event.code)
}

export function send(ws: WebSocket): void {
  ws.send('text')
  ws.send(new ArrayBuffer(1))
  ws.send(new Uint8Array(1))
  ws.send(new DataView(new ArrayBuffer(1)))
  // @ts-expect-error a number is no message
  ws.send(1)
  ws.close()
  ws.close(1000, 'done')
}

export function read(ws: WebSocket): void {
  check<Same<typeof ws.url, string>>()
  check<Same<typeof ws.protocol, string>>()
  check<Same<typeof ws.extensions, string>>()
  check<Same<typeof ws.bufferedAmount, number>>()
  log(ws.readyState === WebSocket.OPEN, ws.readyState === ws.CLOSED)
  // @ts-expect-error read only
  ws.bufferedAmount = 0
  // @ts-expect-error one of two words
  ws.binaryType = 'nodebuffer'
}
