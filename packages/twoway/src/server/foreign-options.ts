const tlsOption = 'give it within tls: { cert, key }'
const handlers = 'give the handlers beside the other options: open, message, close'
const idle = 'give the milliseconds by idleTimeoutMs; the server sends the Pings itself'
const bufferLimit = 'give the bytes by maxBufferedBytes'
const messageLimit = 'give the bytes by maxMessageBytes'
const always = 'leave it out: the server always does so'

/** The options of `ws`, Bun, uWebSockets.js, Socket.IO and Node's http that a server does not have, with those that take their place. */
export const foreignServerOptions: Readonly<Record<string, string>> = {
  server: 'give the HTTP server as the first argument of attach()',
  httpServer: 'give the HTTP server as the first argument of attach()',
  noServer: 'make an upgrader(), and give it the arguments of each upgrade event by accept()',
  verifyClient: "decide in upgrade(): return { status: 401 } to refuse a client; the pages are the option origin's",
  handleProtocols: 'choose in upgrade(): return { protocol } with one of request.protocols',
  protocols: 'choose in upgrade(): return { protocol } with one of request.protocols',
  clientTracking: 'leave it out: server.connections has the open connections',
  maxPayload: messageLimit,
  maxPayloadLength: messageLimit,
  maxHttpBufferSize: messageLimit,
  maxReceivedMessageSize: messageLimit,
  maxBackpressure: bufferLimit,
  backpressureLimit: bufferLimit,
  closeOnBackpressureLimit: 'give whenBufferFull',
  idleTimeout: idle,
  pingInterval: idle,
  pingTimeout: idle,
  sendPings: idle,
  sendPingsAutomatically: idle,
  heartbeat: idle,
  keepalive: idle,
  keepAlive: idle,
  timeout: idle,
  handshakeTimeout: 'give the milliseconds by handshakeTimeoutMs',
  headersTimeout: 'give the milliseconds by handshakeTimeoutMs',
  closeTimeout: 'give the milliseconds by closeTimeoutMs',
  maxHeaderSize: 'give the bytes by maxHeadBytes',
  compression: 'give it by perMessageDeflate',
  compress: 'give it by perMessageDeflate',
  cors: 'give the pages that may connect by origin',
  origins: 'give the pages that may connect by origin',
  allowedOrigins: 'give the pages that may connect by origin',
  allowedHosts: 'give the names by hosts',
  websocket: handlers,
  onOpen: handlers,
  onopen: handlers,
  onMessage: handlers,
  onmessage: handlers,
  onClose: handlers,
  onclose: handlers,
  connection: handlers,
  onConnection: handlers,
  onUpgrade: 'give the handler by upgrade',
  onError: 'give the handler by error',
  onerror: 'give the handler by error',
  skipUTF8Validation: 'leave it out: text is always checked',
  autoPong: always,
  WebSocket: 'keep what belongs to a connection in socket.data, which upgrade() returns',
}

/** The options of addresses and TLS, which `attach` leaves to the HTTP server. */
export const foreignListenOptions: Readonly<Record<string, string>> = {
  hostname: 'give the address by host',
  unix: 'give the path of the Unix socket by socketPath',
  fd: 'give the listening handle by handle',
  cert: tlsOption,
  key: tlsOption,
  pfx: tlsOption,
  ca: tlsOption,
  passphrase: tlsOption,
  https: tlsOption,
  ssl: tlsOption,
}

/** The options of plain requests, which `attach` leaves to the HTTP server. */
export const foreignPlainOptions: Readonly<Record<string, string>> = {
  requestTimeout: 'give the milliseconds by requestTimeoutMs',
  fetch: 'answer plain requests in request(), and handshakes in upgrade()',
}
