import type { HttpResponse } from '../../ports/http-host.js'

const plainText = ['Content-Type', 'text/plain; charset=utf-8'] as const

/** What an HTTP host answers itself, whichever runtime it is of. */
export const standardResponses = {
  handlerFailed: { status: 500, fields: plainText, body: 'the server could not answer\n' },
  pathUnknown: { status: 404, fields: plainText, body: 'nothing speaks WebSocket under this path\n' },
  answerTooSlow: {
    status: 503,
    fields: plainText,
    body: 'the server did not answer this request in time\n',
  },
  tooManyRequests: {
    status: 503,
    fields: [...plainText, 'Retry-After', '1'],
    body: 'the server has no room for this request: try again later\n',
  },
  serverAnswers: { status: 200, fields: [], body: '' },
  targetForOptions: { status: 400, fields: plainText, body: 'only OPTIONS may have * for its target\n' },
  noTunnels: { status: 501, fields: plainText, body: 'this server opens no tunnels\n' },
  earlierTooSlow: {
    status: 503,
    fields: [...plainText, 'Retry-After', '1'],
    body: 'the responses to earlier requests on this connection took too long\n',
  },
  noRoom: {
    status: 503,
    fields: [...plainText, 'Retry-After', '5'],
    body: 'the server holds too much input: try again later\n',
  },
  requestTooSlow: {
    status: 408,
    fields: plainText,
    body: 'the request did not arrive within the time that this server allows\n',
  },
} as const satisfies Record<string, HttpResponse>
