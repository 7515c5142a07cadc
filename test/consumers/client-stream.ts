// Code with streams that must compile with the types of a browser, of Node, of both or of neither.

import { WebSocketError, WebSocketStream } from 'twoway'
import { check, type Same } from './same.js'

declare const log: (...values: unknown[]) => void

export async function talk(): Promise<void> {
  const stream = new WebSocketStream('wss://localhost:8443/echo', { protocols: ['chat'] })
  const { readable, writable, protocol, extensions } = await stream.opened
  check<Same<typeof protocol, string>>()
  check<Same<typeof extensions, string>>()
  check<Same<typeof stream.url, string>>()

  const writer = writable.getWriter()
  await writer.write('text')
  await writer.write(new Uint8Array(1))
  await writer.write(new ArrayBuffer(1))
  await writer.ready
  // @ts-expect-error a number is no message
  await writer.write(1)

  const reader = readable.getReader()
  const { value, done } = await reader.read()
  check<Same<typeof done, boolean>>()
  if (typeof value === 'string') log(value.length)
  // @ts-expect-error it may be the end
  else log(value.byteLength)
  reader.releaseLock()

  stream.close()
  stream.close({ closeCode: 4000, reason: 'done' })
  const { closeCode, reason } = await stream.closed
  check<Same<typeof closeCode, number>>()
  check<Same<typeof reason, string>>()
}

export async function give(stream: WebSocketStream): Promise<void> {
  const { readable, writable } = await stream.opened
  await writable.abort(new WebSocketError('enough', { closeCode: 4000, reason: 'enough' }))
  await readable.cancel()
  // @ts-expect-error read only
  stream.url = ''
}

export function explain(error: unknown): void {
  if (!(error instanceof WebSocketError)) return
  check<Same<typeof error.closeCode, number | null>>()
  check<Same<typeof error.reason, string>>()
  check<Same<typeof error.cause, unknown>>()
  log(error.name, error.message, error.code)
}
