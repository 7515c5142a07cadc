import type { HttpResponse } from '../../ports/http-host.js'

const plainText = ['Content-Type', 'text/plain; charset=utf-8'] as const

/** What an HTTP host answers itself, whichever runtime it is of. */
export const hostAnswers = {
  handlerFailed: { status: 500, fields: plainText, body: 'the server could not answer\n' },
  pathUnknown: { status: 404, fields: plainText, body: 'nothing speaks WebSocket under this path\n' },
  earlierTooSlow: {
    status: 503,
    fields: [...plainText, 'Retry-After', '1'],
    body: 'the responses to earlier requests on this connection took too long\n',
  },
  requestTooSlow: {
    status: 408,
    fields: plainText,
    body: 'the request did not arrive within the time that this server allows\n',
  },
} as const satisfies Record<string, HttpResponse>
