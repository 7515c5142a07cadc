import type { IncomingRequest } from '../server/handshake/incoming-request.js'
import * as platform from './platform.js'

/** The request of a handshake as a Request of the platform, whose URL begins with http or https. */
export function webRequest(request: IncomingRequest): Request {
  return platform.newRequest(request.url.replace(/^ws/, 'http'), {
    headers: [...request.headers] as [string, string][],
    signal: request.signal as AbortSignal,
  })
}

/** Fields of a framework's answer that describe a body, or that the handshake sets itself. */
const ownFields = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** The part of a framework's answer that goes into the 101: its fields, cookies among them, and the subprotocol. */
export function acceptanceOf(headers: Headers): {
  readonly headers: readonly (readonly [string, string])[]
  readonly protocol: string | undefined
} {
  return {
    headers: [...headers].filter(([name]) => !ownFields.has(name) && !name.startsWith('sec-websocket-')),
    protocol: headers.get('sec-websocket-protocol') ?? undefined,
  }
}
