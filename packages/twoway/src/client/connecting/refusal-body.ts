import { splitList } from '../../core/http/field-syntax.js'
import type { HeaderFields } from '../../core/http/header-fields.js'
import * as platform from '../platform.js'

/**
 * Decodes one coding, such as `gzip`, up to the end of the bytes and to `maxBytes` of output. Undefined if the coding is
 * unknown or the bytes can't be decoded. Never rejects.
 */
export type InflateBody = (coding: string, bytes: Uint8Array, maxBytes: number) => Promise<Uint8Array | undefined>

/** The most codings that are decoded. More than one is rare, and each costs a pass. */
const mostCodings = 4

/** The codings of a body in the order of decoding: first those of its transfer, then those of its content. */
export function codingsOf(headers: HeaderFields): readonly string[] {
  const transfer = withoutNames(headers.get('transfer-encoding'), 'chunked')
  const content = withoutNames(headers.get('content-encoding'), 'identity')
  return transfer.reverse().concat(content.reverse())
}

function withoutNames(list: string | undefined, name: string): string[] {
  return splitList(list ?? '')
    .map((coding) => coding.toLowerCase())
    .filter((coding) => coding !== name)
}

/** The decoded body, or undefined if one of its codings can't be decoded. */
export async function undoCodings(
  codings: readonly string[],
  bytes: Uint8Array,
  inflate: InflateBody | undefined,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  if (inflate === undefined || codings.length > mostCodings) return undefined
  let decoded: Uint8Array | undefined = bytes
  for (let at = 0; at < codings.length && decoded !== undefined; at++) {
    decoded = await inflate(codings[at]!, decoded, maxBytes)
  }
  return decoded
}

/**
 * A body as text: by its byte order mark, else by the charset of its Content-Type, else as UTF-8. An incomplete character at
 * the end is left out.
 */
export function decodeText(bytes: Uint8Array, headers: HeaderFields): string {
  return decoderOf(bytes, headers).decode(bytes, { stream: true })
}

function decoderOf(bytes: Uint8Array, headers: HeaderFields): TextDecoder {
  const { 1: quoted, 2: token } = /;\s*charset=(?:"([^"]*)"|([^\s;"]+))/i.exec(headers.get('content-type') ?? '') ?? []
  const mark = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)
  const marked = mark === 0xfeff ? 'utf-16be' : mark === 0xfffe ? 'utf-16le' : undefined
  try {
    return new platform.TextDecoder(marked ?? quoted ?? token ?? 'utf-8')
  } catch {
    // A label that the Encoding standard does not have.
    return new platform.TextDecoder()
  }
}
