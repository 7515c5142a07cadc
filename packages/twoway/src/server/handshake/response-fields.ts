import { connectionFields } from '../../core/http/encode-response.js'
import { HeaderFields } from '../../core/http/header-fields.js'
import { validateUtf8 } from '../../core/payload/utf8.js'
import type { ResponseLike } from '../answer-types.js'

/** The codings that an implementation of fetch decodes. Of a list with another coding it decodes none. */
const decodable = new Set(['gzip', 'x-gzip', 'deflate', 'br', 'zstd'])

/** Fields that describe the encoded bytes: RFC 9110 §8.4, RFC 9530, RFC 3230, RFC 1864. */
const fieldsOfEncoding = ['content-encoding', 'content-digest', 'repr-digest', 'digest', 'content-md5']

/**
 * The fields of a Response that hold for its body as we send it. Another server may have written them for its own
 * connection (RFC 9110 §7.6.1), and fetch has decoded the body.
 */
export function fieldsOfBody(fields: readonly string[], body: Uint8Array, response: ResponseLike): string[] {
  const headers = new HeaderFields(fields)
  const dropped = new Set([...connectionFields, 'content-length'])
  for (const name of headers.list('connection')) dropped.add(name.toLowerCase())
  const isFetched = typeof response.url === 'string' && response.url !== ''
  if (headers.has('content-encoding') && !isEncoded(headers, body, isFetched)) {
    for (const name of fieldsOfEncoding) dropped.add(name)
  }
  return fields.filter((_, at) => !dropped.has(String(fields[at - (at % 2)]).toLowerCase()))
}

/**
 * Whether a body still has the coding of its Content-Encoding. The body that fetch gives is decoded; so is that of a
 * `new Response(fetched.body, fetched)`, but an app may also make a Response of encoded bytes. The length and the bytes
 * tell them apart: encoded bytes are not UTF-8, and most codings have a signature.
 */
function isEncoded(headers: HeaderFields, body: Uint8Array, isFetched: boolean): boolean {
  const codings = headers.list('content-encoding').map((coding) => coding.toLowerCase())
  const outermost = codings.at(-1) ?? 'identity'
  if (outermost === 'identity') return false
  if (codings.some((coding) => !decodable.has(coding))) return true
  const length = headers.get('content-length')
  const hasLength = length === String(body.length)
  if (length !== undefined && !hasLength) return false
  // Not every fetch decodes zstd, and some decode nothing on demand.
  if (isFetched && outermost !== 'zstd' && !hasLength) return false
  return hasSignature(outermost, body) && validateUtf8(0, body, 0, body.length) !== 0
}

function hasSignature(coding: string, body: Uint8Array): boolean {
  const [first = 0, second = 0, third, fourth] = body
  // RFC 1952 §2.3.1, RFC 1950 §2.2, RFC 8878 §3.1.1. Brotli has none.
  if (coding === 'gzip' || coding === 'x-gzip') return first === 0x1f && second === 0x8b
  if (coding === 'deflate') return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0
  if (coding === 'zstd') return first === 0x28 && second === 0xb5 && third === 0x2f && fourth === 0xfd
  return true
}
