import type { HttpResponse } from '../../ports/http-host.js'
import { quoted } from '../printable.js'
import { pathOf } from './request-target.js'

const plainText = ['Content-Type', 'text/plain; charset=utf-8'] as const

/** Answers that every HTTP host gives itself, on all runtimes. */
export const standardResponses = {
  handlerFailed: {
    status: 500,
    fields: plainText,
    body: 'the server failed to answer this request\n',
    reason: 'handlerFailed',
  },
  answerTooSlow: {
    status: 503,
    fields: plainText,
    body: 'the server did not answer this request in time\n',
    reason: 'requestTimeoutMs',
  },
  tooManyRequests: {
    status: 503,
    fields: [...plainText, 'Retry-After', '1'],
    body: 'the server is handling too many requests: try again later\n',
    reason: 'maxRequests',
  },
  serverAnswers: { status: 200, fields: [], body: '' },
  targetForOptions: { status: 400, fields: plainText, body: 'only OPTIONS may have the request-target *\n' },
  noTunnels: { status: 501, fields: plainText, body: 'this server does not open tunnels\n' },
  earlierTooSlow: {
    status: 503,
    fields: [...plainText, 'Retry-After', '1'],
    body: 'the responses to earlier requests on this connection took too long\n',
    reason: 'handshakeTimeoutMs',
  },
  noRoom: {
    status: 503,
    fields: [...plainText, 'Retry-After', '5'],
    body: 'the server holds too much input: try again later\n',
    reason: 'maxTotalReceiveBytes',
  },
  requestTooSlow: {
    status: 408,
    fields: plainText,
    body: 'the request did not arrive within the time that this server allows\n',
    reason: 'handshakeTimeoutMs',
  },
} as const satisfies Record<string, HttpResponse>

/**
 * Answers a handshake whose path no server takes. The answer has the path without the query, because a proxy may have
 * changed it on the way.
 */
export function pathUnknown(target: string): HttpResponse {
  const body = `no WebSocket endpoint at this path: ${quoted(pathOf(target))}\n`
  return { status: 404, fields: plainText, body, reason: 'pathUnknown' }
}
