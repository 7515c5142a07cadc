import type { clientTable } from '../../../twoway/dist/client/client-options.js'
import type { deflateOptions } from '../../../twoway/dist/core/extensions/permessage-deflate/deflate-options.js'
import type { serveTable } from '../../../twoway/dist/server/server-settings.js'

/** The libraries that docs/reference/options.md compares with, as the heads of its columns. */
export const libraries = ['ws 8.23', 'Bun 1.4', 'uWebSockets.js 20', 'Socket.IO 4'] as const

/** The behaviour of each library in place of an option, in the order of `libraries`; '' if it is not known for sure. */
export type Behaviours = readonly [ws: string, bun: string, uWebSockets: string, socketIo: string]

/** Of servers. docs/explanation/safety.md measures some of it. */
export const otherServers: { readonly [name in keyof typeof serveTable]?: Behaviours } = {
  maxMessageBytes: [
    '`maxPayload` 100 MiB, then 1009',
    '`maxPayloadLength` 16 MiB, then 1009',
    '`maxPayloadLength` 16 KiB, then the connection ends',
    '`maxHttpBufferSize` 1 MB, then the connection ends',
  ],
  handshakeTimeoutMs: ['that of node:http: a minute or more', '10 s without bytes', '', ''],
  maxHeadBytes: ['that of node:http: 16 KiB', '', '', 'that of node:http: 16 KiB'],
  closeTimeoutMs: ['`closeTimeout` 30 s', 'none: does not wait for the Close of the peer', '', ''],
  highWaterMarkBytes: [
    'none: `bufferedAmount` only',
    '`send` returns -1 when bytes wait',
    '`send` returns 0 when bytes wait',
    '',
  ],
  maxBufferedBytes: ['none', '`backpressureLimit`', '`maxBackpressure`', ''],
  whenBufferFull: [
    '',
    'the message is dropped; `closeOnBackpressureLimit` ends the connection',
    'the message is dropped; `closeOnBackpressureLimit` ends the connection',
    '',
  ],
  idleTimeoutMs: [
    'none: no heartbeat',
    '`idleTimeout` 120 s, with pings (`sendPings`)',
    '`idleTimeout` 120 s, with pings (`sendPingsAutomatically`)',
    '`pingInterval` 25 s and `pingTimeout` 20 s',
  ],
  maxConnections: ['none', '', '', ''],
  maxTotalBufferedBytes: ['none', '', '', ''],
  maxTotalReceiveBytes: ['none', '', '', ''],
  messageTimeoutMs: ['none', '', '', ''],
  maxMessagesPerSecond: ['none', '', '', ''],
  maxBytesPerSecond: ['none', '', '', ''],
  maxHandshakesPerSecond: ['none', '', '', ''],
  origin: ['any', 'any', '', ''],
  hosts: ['any', 'any', '', ''],
  perMessageDeflate: [
    '`perMessageDeflate` false',
    '`perMessageDeflate` false',
    '`compression` off',
    '`perMessageDeflate` false',
  ],
  sequential: ['no', '', '', ''],
  backlog: ['511', '', '', ''],
}

/** Of clients. */
export const otherClients: { readonly [name in keyof typeof clientTable]?: Behaviours } = {
  handshakeTimeoutMs: ['`handshakeTimeout`: none', '', '', ''],
  closeTimeoutMs: ['`closeTimeout` 30 s', '', '', ''],
  maxMessageBytes: ['`maxPayload` 100 MiB, then 1009', '', '', ''],
  maxHeadBytes: ['that of node:http: 16 KiB', '', '', ''],
  maxRedirects: ['none; at most 10 with `followRedirects`', '', '', ''],
  perMessageDeflate: ['`perMessageDeflate` true', '', '', ''],
}

/** Of permessage-deflate. */
export const otherDeflate: { readonly [name in keyof typeof deflateOptions]?: Behaviours } = {
  serverNoContextTakeover: ['false', '', '', ''],
  clientNoContextTakeover: ['false', '', '', ''],
  level: ["zlib's 6, by `zlibDeflateOptions`", '', '', ''],
  memLevel: ["zlib's 8, by `zlibDeflateOptions`", '', '', ''],
  thresholdBytes: ['`threshold` 1024', '', '', '1024, where it is on'],
}
