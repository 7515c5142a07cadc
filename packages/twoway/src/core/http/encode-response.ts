import type { HttpResponse } from '../../ports/http-host.js'
import { UsageError } from '../errors.js'
import { encodeUtf8 } from '../payload/encode-utf8.js'
import { encodeHead, refuseOwnedFields } from './encode-head.js'
import { isSameText, splitList } from './field-syntax.js'
import { statusPhrases } from './status-phrases.js'

/**
 * Fields that describe a connection, or the framing of one message, RFC 9110 §7.6.1. A program that passes a response on leaves them
 * out, and with them the fields that Connection names.
 */
export const connectionFields: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const framing: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding'])

/** RFC 9110 §15.3.5, §15.4.5: these statuses have no content, and a Content-Length would describe another response. */
const statusesWithoutContent = new Set([204, 304])

/**
 * Encodes a whole response, after which the connection is closed, RFC 9112 §9.6. `bodyless` is for the answer to HEAD:
 * it carries the length of the body but not the body, RFC 9110 §9.3.2. Throws a UsageError for a response that can't be
 * sent.
 */
export function encodeResponse(response: HttpResponse, bodyless = false): Uint8Array {
  const { status, fields } = response
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    const found = typeof status === 'number' ? status : `a value of type ${typeof status}`
    throw new UsageError('optionInvalid', `the status of an answer must be an integer from 200 to 599, not ${found}`)
  }
  refuseOwnedFields(fields, framing, 'the server')
  const given = typeof response.body === 'string' ? encodeUtf8(response.body) : response.body
  // RFC 9110 §15.3.6: a 205 has no content, and says so by its length.
  const body = status === 205 ? new Uint8Array(0) : given
  const hasContent = !statusesWithoutContent.has(status)
  // The answer to HEAD that comes without a body says nothing about the length of the answer to GET.
  const hasLength = hasContent && !(bodyless && body.length === 0)
  const length = hasLength ? ['Content-Length', String(body.length)] : []
  const startLine = `HTTP/1.1 ${status} ${statusPhrases[status] ?? ''}`
  const { connection, others } = splitConnection(status, fields)
  const head = encodeHead(startLine, [...others, ...length, 'Connection', connection])
  return hasContent && !bodyless ? concatenated(head, body) : head
}

/**
 * Takes Connection out of the fields and returns its value: the caller's options, `Upgrade` if a protocol is offered
 * (RFC 9110 §7.8), and `close`. A 426 without an offer gets one, §15.5.22. Throws a UsageError 'headerInvalid' for other
 * fields that concern the connection.
 */
function splitConnection(status: number, fields: readonly string[]): { connection: string; others: readonly string[] } {
  const others: string[] = []
  const options: string[] = []
  let offersProtocol = false
  for (let at = 0; at < fields.length; at += 2) {
    const name = String(fields[at])
    if (isSameText(name, 'connection')) {
      options.push(...splitList(String(fields[at + 1])))
    } else {
      others.push(fields[at]!, fields[at + 1]!)
      if (isSameText(name, 'upgrade')) offersProtocol = true
      else if (connectionFields.has(name.toLowerCase())) throw aboutConnection(name)
    }
  }
  if (options.some((option) => isSameText(option, 'keep-alive'))) throw aboutConnection('Connection: keep-alive')
  if (status === 426 && !offersProtocol) others.push('Upgrade', 'websocket')
  if (status === 426 || offersProtocol) options.push('Upgrade')
  options.push('close')
  const distinct = options.filter((option, at) => options.findIndex((each) => isSameText(each, option)) === at)
  return { connection: distinct.join(', '), others }
}

function aboutConnection(field: string): UsageError {
  return new UsageError(
    'headerInvalid',
    `an answer can't have ${field}: it concerns the connection, which the server closes after the answer. Leave it out`,
  )
}

function concatenated(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length)
  bytes.set(first)
  bytes.set(second, first.length)
  return bytes
}
