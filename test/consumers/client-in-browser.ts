// Code that must compile for a browser: the platform's own classes with only the standard's arguments.

import { HandshakeError, WebSocket, WebSocketStream } from 'twoway'

type DomWebSocket = InstanceType<typeof globalThis.WebSocket>

export const asTheirs = (ours: WebSocket): DomWebSocket => ours
export const asOurs = (theirs: DomWebSocket): WebSocket => theirs
export const theirConstructor: typeof globalThis.WebSocket = WebSocket

export function construct(): unknown[] {
  return [
    new WebSocket('wss://localhost'),
    new WebSocket(new URL('wss://localhost'), 'chat'),
    new WebSocket('wss://localhost', ['chat', 'other']),
    WebSocket.OPEN,
    // @ts-expect-error a browser takes no options
    new WebSocket('wss://localhost', { headers: {} }),
    new WebSocketStream('wss://localhost', { protocols: ['chat'], signal: AbortSignal.timeout(1000) }),
    // @ts-expect-error nor here
    new WebSocketStream('wss://localhost', { headers: {} }),
    HandshakeError,
  ]
}

export async function pipe(stream: WebSocketStream): Promise<void> {
  const { readable, writable } = await stream.opened
  await readable.pipeThrough(new TransformStream()).pipeTo(writable)
}
