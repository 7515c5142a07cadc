import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { request, requestLines } from 'twoway-testing/peers/handshake-request.js'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'
import { figure, type Row } from './row.js'
import { authenticationMs } from './servers/commands.js'

/** The status of the server's answer to these bytes, or 0 for none in time. */
async function statusOf(port: number, bytes: string): Promise<number> {
  const peer = new RawSocket(port)
  peer.send(bytes)
  await peer.until(() => peer.head !== '', 2000)
  peer.destroy()
  return peer.status
}

/** Requests that break a rule of RFC 6455 §4.1 or of HTTP, by their fault. */
function brokenRequests(port: number): Readonly<Record<string, string>> {
  const lines = (changes: Parameters<typeof requestLines>[1]): string[] => requestLines(port, changes)
  const host = `127.0.0.1:${port}`
  const key = 'dGhlIHNhbXBsZSBub25jZQ=='
  return {
    'HTTP/1.0': request(lines({}), 'GET / HTTP/1.0'),
    'a POST': request(lines({}), 'POST / HTTP/1.1'),
    'a body': `${request(lines({ 'Content-Length': '5' }))}hello`,
    'a chunked body': `${request(lines({ 'Transfer-Encoding': 'chunked' }))}0\r\n\r\n`,
    'no Host': request(lines({ Host: undefined })),
    'two Hosts': request(lines({ Host: [host, host] })),
    'two keys': request(lines({ 'Sec-WebSocket-Key': [key, key] })),
    'no key': request(lines({ 'Sec-WebSocket-Key': undefined })),
    'a short key': request(lines({ 'Sec-WebSocket-Key': 'c2hvcnQ=' })),
    'no Upgrade': request(lines({ Upgrade: undefined })),
    'another Upgrade': request(lines({ Upgrade: 'h2c' })),
    'no Connection': request(lines({ Connection: undefined })),
    'Connection: close': request(lines({ Connection: 'close' })),
    'no version': request(lines({ 'Sec-WebSocket-Version': undefined })),
    'version 12': request(lines({ 'Sec-WebSocket-Version': '12' })),
    'a subprotocol twice': request(lines({ 'Sec-WebSocket-Protocol': 'chat, chat' })),
    'a fragment in the target': request(lines({}), 'GET /#a HTTP/1.1'),
    'a field without a colon': request([...lines({}), 'no colon']),
    '20 KiB of head': request(lines({ 'X-Long': 'a'.repeat(20_000) })),
    '1200 fields': request(lines(Object.fromEntries(Array.from({ length: 1200 }, (_, at) => [`X-${at}`, 'a'])))),
  }
}

/** A row for a request with one changed field, which expects a status: 101 means accepted. */
function changed(property: string, promise: string, field: string, value: (port: number) => string): Row {
  return {
    property,
    promise,
    async measure({ port }) {
      const status = await statusOf(port, request(requestLines(port, { [field]: value(port) })))
      return figure(status === 101 ? 'accepted' : status === 0 ? 'no answer' : `refused, ${status}`, status >= 400)
    },
  }
}

const messagesSent = 3

export const handshakeRows: readonly Row[] = [
  {
    property: 'malformed handshakes that are refused with a status',
    promise: 'all',
    async measure({ port }) {
      const requests = Object.entries(brokenRequests(port))
      const statuses = await Promise.all(requests.map(([, bytes]) => statusOf(port, bytes)))
      const named = (isThat: (status: number) => boolean): string[] =>
        requests.flatMap(([name], at) => (isThat(statuses[at]!) ? [name] : []))
      const letIn = named((status) => status === 101)
      const silent = named((status) => status === 0)
      const refused = statuses.filter((status) => status >= 400).length
      const parts = [
        `${refused} of ${requests.length}`,
        ...(letIn.length > 0 ? [`accepted: ${letIn.join(', ')}`] : []),
        ...(silent.length > 0 ? [`no status: ${silent.join(', ')}`] : []),
      ]
      return figure(parts.join('; '), refused === requests.length)
    },
  },
  changed('a page of another origin', 'refused', 'Origin', () => 'https://evil.example'),
  changed(
    'a page that reaches 127.0.0.1 under its own host name (DNS rebinding)',
    'refused',
    'Host',
    (port) => `evil.example:${port}`,
  ),
  {
    property: `messages that arrive while an asynchronous handler takes ${authenticationMs} ms to authenticate`,
    promise: 'delivered, all',
    mode: 'authenticate',
    async measure(server) {
      const messages = Buffer.concat(Array.from({ length: messagesSent }, () => clientFrame(opcodes.text, 'early')))
      const peer = await RawSocket.open(server.port)
      if (peer === undefined) return figure('no connection', false)
      peer.send(messages)
      await peer.until(() => peer.count(opcodes.text) === messagesSent, 2000)
      peer.destroy()
      const arrived = (await server.counts())?.messages ?? 0
      const lost = messagesSent - arrived
      return figure(lost === 0 ? 'all delivered' : `${lost} of ${messagesSent} lost, silently`, lost === 0)
    },
  },
  {
    property: 'two servers with a path each on one HTTP server: connections that open',
    promise: 'both',
    mode: 'two',
    without: { Bun: 'supports one server per port' },
    async measure({ port }) {
      const statuses = await Promise.all(
        ['/a', '/b'].map((path) => statusOf(port, request(requestLines(port), `GET ${path} HTTP/1.1`))),
      )
      const standing = statuses.filter((status) => status === 101).length
      return figure(standing === 2 ? 'both' : `${standing} of 2`, standing === 2)
    },
  },
]
