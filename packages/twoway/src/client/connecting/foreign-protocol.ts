import { decodeLatin1 } from '../../core/http/latin1.js'
import { quoted } from '../../core/printable.js'

/** Bytes of an answer that identify its protocol. */
export const mostTelling = 64

type Recognizes = (bytes: Uint8Array, text: string) => boolean

const beginsWith =
  (pattern: RegExp): Recognizes =>
  (_, text) =>
    pattern.test(text)

/** The first bytes that servers of other protocols send, as a greeting or in answer to an unknown request. */
const protocols: { readonly [name: string]: Recognizes } = {
  // A SETTINGS or a GOAWAY frame on stream 0, RFC 9113 §3.4, §4.1 and §5.4.1.
  'HTTP/2': (bytes) => bytes[0] === 0 && (bytes[3] === 4 || bytes[3] === 7) && bytes.subarray(5, 9).every(isZero),
  SSH: beginsWith(/^SSH-/),
  VNC: beginsWith(/^RFB \d/),
  AMQP: beginsWith(/^AMQP/),
  POP3: beginsWith(/^\+OK .*(?:POP|ready)/i),
  IMAP: beginsWith(/^\* (?:OK|BYE|BAD|PREAUTH)/),
  'SMTP or FTP': beginsWith(/^(?:220|421|500|502|530|554)[ -]/),
  Redis: beginsWith(/^(?:-[A-Z]+ |\+(?:OK|PONG)\r|\$-?\d)/),
  Memcached: beginsWith(/^(?:CLIENT_)?ERROR\b/),
  // The greeting: a packet number 0 behind the length, and the protocol's version 10, or an error.
  MySQL: (bytes) => bytes[2] === 0 && bytes[3] === 0 && (bytes[4] === 10 || bytes[4] === 255),
}

/** The beginning of a TLS record with an alert or an answer: content type and major version, RFC 8446 §5.1. */
const tlsTypes: ReadonlySet<number | undefined> = new Set([0x15, 0x16])
const tlsMajorVersion = 0x03

/**
 * Describes an answer that is not HTTP, by its first bytes: names its protocol, or quotes its beginning.
 * @param encrypted whether it came under TLS; a further TLS within is not looked for
 */
export function describeForeign(bytes: Uint8Array, encrypted: boolean): string {
  if (!encrypted && tlsTypes.has(bytes[0]) && (bytes[1] ?? tlsMajorVersion) === tlsMajorVersion) {
    return 'the server speaks TLS here: connect by wss: in place of ws:'
  }
  const text = decodeLatin1(bytes, 0, bytes.length)
  const [line = ''] = text.split(/[\r\n]/)
  const name = Object.keys(protocols).find((each) => protocols[each]!(bytes, text))
  const begins = `it begins with "${quoted(line)}"`
  return name === undefined ? begins : `the server speaks ${name} here, not HTTP/1.1; ${begins}`
}

function isZero(byte: number): boolean {
  return byte === 0
}
