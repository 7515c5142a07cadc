import type { HttpResponse } from '../../ports/http-host.js'
import { UsageError } from '../errors.js'
import { encodeUtf8 } from '../payload/encode-utf8.js'
import { encodeHead, refuseOwnedFields } from './encode-head.js'
import { statusPhrases } from './status-phrases.js'

const framing = new Set(['content-length', 'transfer-encoding'])

/** RFC 9110 §15.3.5, §15.4.5: these statuses have no content, and a Content-Length would describe another response. */
const statusesWithoutContent = new Set([204, 304])

/**
 * Encodes a whole response, after which the connection is closed, RFC 9112 §9.6. `bodyless` is for the answer to HEAD:
 * it carries the length of the body but not the body, RFC 9110 §9.3.2.
 */
export function encodeResponse(response: HttpResponse, bodyless = false): Uint8Array {
  const { status, fields } = response
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new UsageError('optionInvalid', `the status of an answer must be an integer from 200 to 599, not ${status}`)
  }
  refuseOwnedFields(fields, framing, 'the answer')
  const body = typeof response.body === 'string' ? encodeUtf8(response.body) : response.body
  const hasContent = !statusesWithoutContent.has(status)
  const length = hasContent ? ['Content-Length', String(body.length)] : []
  const startLine = `HTTP/1.1 ${status} ${statusPhrases[status] ?? ''}`
  const head = encodeHead(startLine, [...fields, ...length, 'Connection', 'close'])
  return hasContent && !bodyless ? concatenated(head, body) : head
}

function concatenated(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length)
  bytes.set(first)
  bytes.set(second, first.length)
  return bytes
}
