import type { HttpResponse } from '../../ports/http-host.js'

/** A response that a server gives on its own account; `reason` names its cause in the metrics. */
export function plainResponse(
  status: number,
  reason: string,
  sentence: string,
  ...fields: readonly string[]
): HttpResponse {
  return { status, fields: ['Content-Type', 'text/plain; charset=utf-8', ...fields], body: `${sentence}\n`, reason }
}

export const failure = plainResponse(500, 'handlerFailed', 'the server failed on this request')
export const stopping = plainResponse(503, 'stopping', 'the server is stopping: try again later', 'Retry-After', '5')
export const full = plainResponse(503, 'maxConnections', 'the server has no room: try again later', 'Retry-After', '5')
export const crowded = plainResponse(
  503,
  'maxTotalReceiveBytes',
  'the server holds too much input: try again later',
  'Retry-After',
  '5',
)
export const tooFrequent = plainResponse(
  429,
  'maxHandshakesPerSecond',
  'too many handshakes came from your address: try again later',
  'Retry-After',
  '1',
)
export const tooLate = plainResponse(503, 'handshakeTimeoutMs', 'the server did not decide on this request in time')
