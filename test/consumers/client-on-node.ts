// Code that must compile where our own classes run: further options, and streams that can be iterated.

import { WebSocket, WebSocketStream } from 'twoway'
import { check, type Same } from './same.js'

declare const log: (...values: unknown[]) => void

export async function read(): Promise<void> {
  const stream = new WebSocketStream('wss://localhost', { ca: 'PEM', headers: { Authorization: 'Bearer me' } })
  const { readable, writable } = await stream.opened
  for await (const message of readable) {
    check<Same<typeof message, string | Uint8Array>>()
    log(message.length)
  }
  const ours: ReadableStream<string | Uint8Array> = readable
  await ours.pipeThrough(new TransformStream()).pipeTo(writable)
}

export const offers = [
  new WebSocket('wss://localhost', { perMessageDeflate: false }),
  new WebSocket('wss://localhost', { perMessageDeflate: { clientNoContextTakeover: true, serverMaxWindowBits: 10 } }),
  new WebSocket('wss://localhost', { perMessageDeflate: [{ serverNoContextTakeover: true }, {}] }),
  // @ts-expect-error bits are a number
  new WebSocket('wss://localhost', { perMessageDeflate: { clientMaxWindowBits: true } }),
]
