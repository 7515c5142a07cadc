// Code that must compile with the DOM's types: its WebSocket and ours are assignable to each other.

import { CloseEvent, ErrorEvent, WebSocket } from 'twoway'

declare const log: (...values: unknown[]) => void

type DomConstructor = typeof globalThis.WebSocket
type DomWebSocket = InstanceType<DomConstructor>

export const asTheirs = (ours: WebSocket): DomWebSocket => ours
export const asOurs = (theirs: DomWebSocket): WebSocket => theirs
export const theirConstructor: DomConstructor = WebSocket

export function listen(ws: WebSocket): void {
  const onClose = (event: CloseEvent) => log(event.code)
  const onMessage = (event: MessageEvent<string>) => log(event.data)
  ws.onclose = onClose
  ws.onmessage = onMessage
  ws.addEventListener('close', onClose)
  ws.addEventListener('message', onMessage)
  ws.addEventListener('open', (event: Event) => log(event.timeStamp), { signal: new AbortController().signal })
  ws.onopen = (event) => log(event.currentTarget)
  ws.dispatchEvent(new Event('open'))
}

export const headers: WebSocket = new WebSocket('ws://localhost', { headers: new Headers({ a: 'b' }) })

export function events(): Event[] {
  const close: globalThis.CloseEvent = new CloseEvent('close', { code: 1000 })
  return [close, new ErrorEvent('error', { message: 'a' })]
}

export function sendBlob(ws: WebSocket): void {
  ws.send(new Blob(['text']))
  ws.send(new URL('ws://localhost').href)
  new WebSocket(new URL('ws://localhost'))
  new WebSocket('ws://localhost', { signal: AbortSignal.timeout(1000) })
}
