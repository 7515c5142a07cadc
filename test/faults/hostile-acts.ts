import { type FrameForm, frame as frameOf, opcodes } from 'twoway-testing/bytes.js'
import type { Act, HostilePeer } from './hostile-server.js'

/** The behaviour of a server, and the expected outcome for its client. */
export interface HostileAct {
  readonly act: Act
  /** Whether the handshake succeeds. */
  readonly opens: boolean
  /** The pattern of the error's message; undefined if there is no error. */
  readonly error: RegExp | undefined
  readonly code: number
  /** The client's time for the handshake, if that ends the connection. */
  readonly handshakeTimeoutMs?: number
  /** The client's time before it closes, if that ends the connection. */
  readonly patienceMs?: number
}

/** The time for a handshake that never completes: short, because the test waits for it. */
const shortMs = 600

const frame = (opcode: number, payload: string | Uint8Array = '', form: FrameForm = {}): Uint8Array =>
  frameOf({ ...form, opcode, payload })

const statusOf = (code: number, reason: string | Uint8Array = ''): Buffer =>
  Buffer.concat([Uint8Array.of(code >> 8, code), Buffer.from(reason as Uint8Array)])

/** The time for a handshake of which a part must arrive, also on a busy machine. */
const longerMs = 3000

/** The handshake times out, and the error says so. */
function late(act: Act): HostileAct {
  return { ...refused(new RegExp(`timed out after ${shortMs} ms`), act), handshakeTimeoutMs: shortMs }
}

/** The handshake times out after a part has arrived, which the error tells. */
function unfinished(error: RegExp, act: Act): HostileAct {
  return { ...refused(error, act), handshakeTimeoutMs: longerMs }
}

/** The handshake fails with this error. */
function refused(error: RegExp, act: Act): HostileAct {
  return { act, opens: false, error, code: 1006 }
}

/** The connection is open until the server breaks a rule. */
function broken(error: RegExp, ...frames: readonly Uint8Array[]): HostileAct {
  return { act: (peer) => peer.accept([], Buffer.concat(frames)), opens: true, error, code: 1006 }
}

/** The connection stays open until the client ends it. */
function endured(act: Act): HostileAct {
  return { act, opens: true, error: /lost before both sides had closed it/, code: 1006, patienceMs: 300 }
}

const mebibyte = new Uint8Array(2 ** 20)

/** A head that takes much longer than the handshake's time if it is sent byte by byte. */
const longHead = `HTTP/1.1 101 Switching Protocols\r\nX-Long: ${'a'.repeat(10_000)}`

let redirects = 0

/** The acts of hostile servers. The test runs a client against each. */
export const hostileActs: Readonly<Record<string, HostileAct>> = {
  'says nothing': late(() => {}),
  'dribbles its head': late((peer) => peer.dribble(longHead, 5)),
  'ends at once': refused(/ended the connection before it had answered/, (peer) => peer.socket.end()),
  'resets at once': refused(/lost|ended|dropped/, (peer) => peer.socket.resetAndDestroy()),
  'sends a head without end': refused(/longer than this client accepts/, (peer) => {
    peer.socket.write('HTTP/1.1 101 Switching Protocols\r\n')
    peer.repeat(`X-Endless: ${'a'.repeat(1000)}\r\n`)
  }),
  'sends a status line without end': refused(/longer than this client accepts/, (peer) => {
    peer.socket.write('HTTP/1.1 101 ')
    peer.repeat('a'.repeat(1000))
  }),
  'sends fields without end': refused(/longer than this client accepts/, (peer) => {
    peer.socket.write('HTTP/1.1 101 Switching Protocols\r\n')
    peer.repeat('a:\r\n'.repeat(100))
  }),
  'sends interim answers without end': refused(/longer than this client accepts/, (peer) =>
    peer.repeat('HTTP/1.1 100 Continue\r\n\r\n'.repeat(20)),
  ),
  'sends bytes that are not text': refused(/longer than this client accepts/, (peer) =>
    peer.repeat(Buffer.alloc(1000, 0xf7)),
  ),
  'speaks SSH': refused(/not well-formed HTTP/, (peer) => peer.socket.write('SSH-2.0-OpenSSH_9.6\r\n')),
  'speaks TLS': refused(/TLS/, (peer) => peer.socket.write(Uint8Array.of(0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46))),
  'folds a field': refused(/not well-formed HTTP/, (peer) => peer.accept([' folded'])),
  'answers to another key': refused(/does not match this client's key/, (peer) =>
    peer.answer('101 Switching Protocols', [
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    ]),
  ),
  'answers twice to the key': refused(/does not match this client's key/, (peer) =>
    peer.accept(['Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=']),
  ),
  'uses an extension that was not offered': refused(/extension that was not offered/, (peer) =>
    peer.accept(['Sec-WebSocket-Extensions: x-evil']),
  ),
  'chooses a subprotocol that was not offered': refused(/subprotocol that was not offered/, (peer) =>
    peer.accept(['Sec-WebSocket-Protocol: evil']),
  ),
  'sends an error page without end': refused(/did not switch to WebSocket: 500/, (peer) => {
    peer.answer('500 No')
    peer.repeat(mebibyte)
  }),
  'sends an error page in chunks without end': refused(/did not switch to WebSocket: 500/, (peer) => {
    peer.answer('500 No', ['Transfer-Encoding: chunked'])
    peer.repeat(`3e8\r\n${'a'.repeat(1000)}\r\n`)
  }),
  'sends a chunk size without end': refused(/did not switch to WebSocket: 500/, (peer) => {
    peer.answer('500 No', ['Transfer-Encoding: chunked'])
    peer.repeat('0'.repeat(1000))
  }),
  'promises a page and sends none': unfinished(/did not switch to WebSocket: 404/, (peer) =>
    peer.answer('404 Not Found', ['Content-Length: 999999999999999']),
  ),
  'redirects in a circle': refused(/lead in a circle/, (peer) =>
    peer.answer('302 Found', [`Location: ${peer.path}`, 'Content-Length: 0']),
  ),
  'redirects without end': refused(/beyond the 5 of maxRedirects/, (peer) =>
    peer.answer('302 Found', [`Location: /redirects%20without%20end/${redirects++}`, 'Content-Length: 0']),
  ),
  'redirects to a file': refused(/did not switch to WebSocket: 302/, (peer) =>
    peer.answer('302 Found', ['Location: file:///etc/passwd', 'Content-Length: 0']),
  ),
  'redirects to nowhere': refused(/did not switch to WebSocket: 302/, (peer) =>
    peer.answer('302 Found', ['Location: http://[', 'Content-Length: 0']),
  ),

  'masks its frames': broken(/frame is masked/, frame(opcodes.text, 'hello', { masked: true })),
  'sets a reserved bit, as for compression': broken(
    /reserved bit/,
    frame(opcodes.text, 'garbage', { reservedBits: 4 }),
  ),
  'sends a reserved opcode': broken(/opcode is reserved/, frame(3, 'hello')),
  'announces 2^63 - 1 bytes': broken(
    /longer than this endpoint accepts/,
    frame(opcodes.binary, '', { length: 2n ** 63n - 1n }),
  ),
  'announces 2^64 - 1 bytes': broken(/most significant bit/, frame(opcodes.binary, '', { length: 2n ** 64n - 1n })),
  'announces one byte more than 16 MiB': broken(
    /longer than this endpoint accepts/,
    frame(opcodes.binary, '', { length: 2n ** 24n + 1n }),
  ),
  'sends a length that is not in its shortest form': broken(
    /shortest form/,
    frame(opcodes.text, 'a', { lengthBits: 64 }),
  ),
  'continues a message that never began': broken(/outside of a message/, frame(0, 'hello')),
  'begins a message within another': broken(
    /before the fragmented message ended/,
    frame(opcodes.text, 'a', { fin: false }),
    frame(opcodes.text, 'b'),
  ),
  'sends text that is not UTF-8': broken(/text message is not UTF-8/, frame(opcodes.text, Uint8Array.of(0xc3, 0x28))),
  'fragments a Ping': broken(/control frame is fragmented/, frame(opcodes.ping, 'a', { fin: false })),
  'sends a Ping of 126 bytes': broken(/more than 125/, frame(opcodes.ping, 'a'.repeat(126))),
  'closes with a huge reason': broken(/more than 125/, frame(opcodes.close, statusOf(1000, 'a'.repeat(60_000)))),
  'sends a Close with one byte': broken(/carries (one|a single)/, frame(opcodes.close, 'a')),
  'closes with a code that must not be sent': broken(/must not be sent/, frame(opcodes.close, statusOf(1005))),
  'closes with a reason that is not UTF-8': broken(
    /reason of a Close frame is not UTF-8/,
    frame(opcodes.close, statusOf(1000, Uint8Array.of(0xff))),
  ),
  'sends fragments without end': {
    act: (peer) => {
      peer.accept([], frame(opcodes.binary, 'a', { fin: false }))
      peer.repeat(frame(0, new Uint8Array(60_000), { fin: false }))
    },
    opens: true,
    error: /longer than this endpoint accepts/,
    code: 1006,
  },
  'ends within a frame': {
    act(peer) {
      peer.accept([], frame(opcodes.text, 'hello').subarray(0, 4))
      peer.socket.end()
    },
    opens: true,
    error: /lost before both sides had closed it/,
    code: 1006,
  },
  'resets within a frame': {
    act(peer) {
      peer.accept([], frame(opcodes.text, 'hello').subarray(0, 4))
      setTimeout(() => peer.socket.resetAndDestroy(), 50)
    },
    opens: true,
    error: /ECONNRESET|lost/,
    code: 1006,
  },

  'accepts and says nothing': endured((peer) => peer.accept()),
  'accepts and reads nothing': endured((peer) => {
    peer.socket.pause()
    peer.accept()
  }),
  'sends empty fragments without end': endured((peer) => {
    peer.accept([], frame(opcodes.binary, '', { fin: false }))
    peer.repeat(repeated(frame(0, '', { fin: false })))
  }),
  'sends Pings without end, and reads nothing': endured((peer) => {
    peer.socket.pause()
    peer.accept()
    peer.repeat(repeated(frame(opcodes.ping, 'a'.repeat(125))))
  }),
  'sends Pongs without end': endured((peer) => {
    peer.accept()
    peer.repeat(repeated(frame(10, 'a'.repeat(125))))
  }),
  'dribbles a message': endured((peer) => {
    peer.accept([], frame(opcodes.text, '', { length: 10_000 }))
    peer.dribble('', 2)
  }),
  'sends messages without end': endured((peer) => {
    peer.accept()
    peer.repeat(repeated(frame(opcodes.text, 'spam')))
  }),
  'never closes the connection after both Closes': {
    act: (peer) => peer.accept([], frame(opcodes.close, statusOf(1000, 'bye'))),
    opens: true,
    error: undefined,
    code: 1000,
  },
  'keeps sending after its Close': {
    act(peer) {
      peer.accept([], frame(opcodes.close, statusOf(3000)))
      peer.repeat(repeated(frame(opcodes.text, 'spam')))
    },
    opens: true,
    error: undefined,
    code: 3000,
  },
}

/** At least 16 KiB of copies of the bytes, so that few writes send many frames. */
function repeated(bytes: Uint8Array): Buffer {
  return Buffer.concat(Array.from({ length: Math.ceil(16_384 / bytes.length) }, () => bytes))
}

/** The acts without the outcomes, for a server. */
export function actsOf(): Record<string, (peer: HostilePeer) => void> {
  return Object.fromEntries(Object.entries(hostileActs).map(([name, { act }]) => [name, act]))
}
