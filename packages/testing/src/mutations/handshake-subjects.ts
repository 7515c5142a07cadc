import { HandshakeError, violations } from '../../../twoway/dist/core/errors.js'
import { acceptKey } from '../../../twoway/dist/core/handshake/accept-key.js'
import { ClientHandshake } from '../../../twoway/dist/core/handshake/client-handshake.js'
import { encodeAcceptance } from '../../../twoway/dist/core/handshake/encode-acceptance.js'
import { checkRequest, refusalOf } from '../../../twoway/dist/core/handshake/server-handshake.js'
import { encodeResponse } from '../../../twoway/dist/core/http/encode-response.js'
import { requestForm } from '../../../twoway/dist/core/http/head-form.js'
import { HeadParser } from '../../../twoway/dist/core/http/head-parser.js'
import { ResponseBody } from '../../../twoway/dist/core/http/response-body.js'
import { clientLimits } from '../../../twoway/dist/core/limits.js'
import { requestPeer } from '../../../twoway/dist/server/proxies/request-peer.js'
import { TrustedProxies } from '../../../twoway/dist/server/proxies/trusted-proxies.js'
import { concat, utf8 } from '../bytes.js'
import type { Draws } from './draws.js'
import { mutate } from './mutate.js'
import type { Subject } from './subject.js'

const key = 'dGhlIHNhbXBsZSBub25jZQ=='
/** Small limits, so that mutations exceed them. */
const limits = { ...clientLimits, maxHeadBytes: 600, maxHeaderFields: 12 }
const maxBodyBytes = 64

/** A proxy that the server trusts, whose fields are read too. */
const peer = { address: '127.0.0.1', port: 1, encrypted: false }
const proxies = new TrustedProxies('loopback')

const offer = { protocols: ['chat', 'superchat'], extensions: [{ name: 'permessage-deflate', parameters: [] }] }

const requestLines = ['GET / HTTP/1.1', 'GET /chat?a=%20 HTTP/1.1', 'GET http://localhost/ HTTP/1.1']
const oddRequestLines = [
  'GET / HTTP/1.0',
  'POST / HTTP/1.1',
  'GET * HTTP/1.1',
  'GET /#a HTTP/1.1',
  'OPTIONS * HTTP/1.1',
]
const requestFields = [
  'Host: localhost',
  'Upgrade: websocket',
  'Connection: keep-alive, Upgrade',
  `Sec-WebSocket-Key: ${key}`,
  'Sec-WebSocket-Version: 13',
]
const oddRequestFields = [
  ...requestFields,
  'Host: example.com:8080',
  'Host:',
  'Sec-WebSocket-Version: 8',
  'Sec-WebSocket-Key: short',
  'Sec-WebSocket-Protocol: chat, superchat',
  'Sec-WebSocket-Protocol: chat, chat',
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits="15", x; y',
  'Sec-WebSocket-Extensions: ;',
  'Content-Length: 5',
  'Content-Length: 0',
  'Transfer-Encoding: chunked',
  'Origin: https://localhost',
  'Forwarded: for=192.0.2.1;proto=https, for="[2001:db8::1]:80"',
  'Forwarded: for=;',
  'X-Forwarded-For: 192.0.2.1, 198.51.100.2',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: example.com',
  ' folded',
  'no colon',
  'Name : value',
  `X-Long: ${'a'.repeat(300)}`,
]

const statusLines = ['HTTP/1.1 101 Switching Protocols']
const oddStatusLines = [
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols',
  'HTTP/1.1 200 OK',
  'HTTP/1.1 301 Moved',
  'HTTP/1.0 404',
  'HTTP/2 101',
  'HTTP/1.1 204 No Content',
]
const answerFields = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${acceptKey(key)}`]
const oddAnswerFields = [
  ...answerFields,
  'Sec-WebSocket-Protocol: chat',
  'Sec-WebSocket-Protocol: other',
  'Sec-WebSocket-Extensions: permessage-deflate',
  'Sec-WebSocket-Extensions: x',
  'Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  'Content-Length: 7',
  'Transfer-Encoding: chunked',
  ' folded',
  `X-Long: ${'a'.repeat(300)}`,
]
const bodies = ['', '', 'no such page', '5\r\nno su\r\n0\r\n\r\n', 'ffffffff\r\n', '\x81\x05Hello']

/** A head of mostly valid lines. */
function head(draws: Draws, lines: readonly string[], oddLines: readonly string[]): string[] {
  const kept = lines.filter(() => !draws.once(25))
  while (draws.once(2)) kept.splice(draws.below(kept.length + 1), 0, draws.of(oddLines))
  return kept
}

function encoded(startLine: string, lines: readonly string[], rest: string): Uint8Array {
  return concat(
    utf8(`${[startLine, ...lines].join('\r\n')}\r\n\r\n`),
    Uint8Array.from(rest, (at) => at.charCodeAt(0)),
  )
}

const requests: Subject = {
  name: 'requests to a server',
  make(draws) {
    const startLine = draws.of(draws.once(10) ? oddRequestLines : requestLines)
    return mutate(encoded(startLine, head(draws, requestFields, oddRequestFields), ''), draws, 2)
  },
  read(pieces) {
    const parser = new HeadParser(requestForm, limits)
    return catching(() => {
      for (const piece of pieces) parser.receive(piece, 0, piece.length)
      if (parser.head === undefined) return 'waits for more'
      const { address } = requestPeer(parser.head, peer, proxies)
      const { protocols, extensions } = checkRequest(parser.head)
      encodeAcceptance({ key, protocol: protocols[0] ?? '', extensions: undefined, fields: [] })
      return `accepted ${JSON.stringify({ address, protocols, extensions })}`
    })
  },
}

const answers: Subject = {
  name: 'answers to a client',
  make(draws) {
    const startLine = draws.of(draws.once(4) ? oddStatusLines : statusLines)
    const fields = head(draws, [...answerFields, 'Sec-WebSocket-Protocol: chat'], oddAnswerFields)
    return mutate(encoded(startLine, fields, draws.of(bodies)), draws, 2)
  },
  read(pieces) {
    const handshake = new ClientHandshake({ host: 'localhost', target: '/', key, fields: [], limits, ...offer })
    const lines = catching(() => {
      for (const piece of pieces) {
        if (handshake.result !== undefined) break
        handshake.receive(piece, 0, piece.length)
      }
      if (handshake.result === undefined) return 'waits for more'
      const { protocol, extensions } = handshake.result
      return `accepted ${JSON.stringify({ protocol, extensions })}`
    })
    const { response } = handshake
    if (response === undefined || response.status === 101) return lines
    // The body of an error response is read from the position after the head.
    const body = new ResponseBody(response, maxBodyBytes)
    let skip = handshake.bytesRead
    for (const piece of pieces) {
      if (skip < piece.length) body.receive(piece, skip, piece.length)
      skip = Math.max(0, skip - piece.length)
    }
    if (body.bytes.length > maxBodyBytes) throw new Error('the body is longer than its limit')
    return [...lines, `body ${body.bytes.join()}`]
  },
}

/** The result of reading, or the broken rule, which must have an error code. Any other error passes through. */
function catching(read: () => string): string[] {
  try {
    return [read()]
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error
    const row: object = violations[error.code]
    if ('status' in row) encodeResponse(refusalOf(error))
    return [`error ${error.code}`]
  }
}

export const handshakeSubjects: readonly Subject[] = [requests, answers]
