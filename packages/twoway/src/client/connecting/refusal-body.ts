import { splitList } from '../../core/http/field-syntax.js'
import type { HeaderFields } from '../../core/http/header-fields.js'

/**
 * Undoes one coding, `gzip` say, as far as the bytes go and up to `maxBytes` of what comes out. Undefined where the
 * coding is unknown, or nothing can be made of the bytes. Never rejects.
 */
export type InflateBody = (coding: string, bytes: Uint8Array, maxBytes: number) => Promise<Uint8Array | undefined>

/** More than one is rare, and each costs a pass. */
const mostCodings = 4

/** The codings of a body in the order in which they are undone: those of its transfer, then those of its content. */
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

/** The body without its codings, or undefined where one of them can't be undone. */
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
 * A body as text: by its byte order mark, else by the charset of its Content-Type, else as UTF-8. A character that the end
 * cuts is left out.
 */
export function decodeText(bytes: Uint8Array, headers: HeaderFields): string {
  return decoderOf(bytes, headers).decode(bytes, { stream: true })
}

function decoderOf(bytes: Uint8Array, headers: HeaderFields): TextDecoder {
  const { 1: quoted, 2: token } = /;\s*charset=(?:"([^"]*)"|([^\s;"]+))/i.exec(headers.get('content-type') ?? '') ?? []
  const mark = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)
  const marked = mark === 0xfeff ? 'utf-16be' : mark === 0xfffe ? 'utf-16le' : undefined
  try {
    return new TextDecoder(marked ?? quoted ?? token ?? 'utf-8')
  } catch {
    // A label that the Encoding standard does not have.
    return new TextDecoder()
  }
}
