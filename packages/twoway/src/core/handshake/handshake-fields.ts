/** The fields that either half of a handshake writes itself, or that would give it a body. No caller may add one. */
export const handshakeFields: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'transfer-encoding',
  'upgrade',
])
