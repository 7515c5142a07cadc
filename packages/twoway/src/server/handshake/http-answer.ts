import { UsageError } from '../../core/errors.js'
import { findField } from '../../core/http/header-fields.js'
import type { HttpResponse } from '../../ports/http-host.js'
import type { HeaderInput, HttpAnswer, ResponseLike, UpgradeAcceptance, UpgradeAnswer } from '../answer-types.js'
import { describe } from './describe.js'
import { fieldsOfBody } from './response-fields.js'

/** The members of a Headers object that are read. Not all implementations have each. */
interface AnyHeaders {
  getSetCookie?(): readonly string[]
  /** The fields as node-fetch gives them: its iterator joins the lines of Set-Cookie. */
  raw?(): Readonly<Record<string, readonly string[]>>
  forEach?(callback: (value: string, name: string) => void): void
}

/** Whether the answer of a handler is a Response: of the platform, of another realm, or of a class of its own. */
function isResponse(answer: HttpAnswer): answer is ResponseLike {
  return 'arrayBuffer' in answer && typeof answer.arrayBuffer === 'function'
}

/**
 * The answer of a handler, ready to be encoded. The body of a Response is read for that, and fields that describe another
 * message than ours are left out. Rejects with a UsageError for a value that is no answer.
 */
export async function readHttpAnswer(answer: HttpAnswer): Promise<HttpResponse> {
  const { status } = answer
  const fields = fieldsOf(answer.headers)
  if (isResponse(answer)) {
    const body = new Uint8Array(await answer.arrayBuffer())
    return { status, fields: fieldsOfBody(fields, body, answer), body }
  }
  const body = bodyOf(answer.body)
  if (findField(fields, 'content-type') < 0 && typeof body === 'string')
    fields.unshift('Content-Type', 'text/plain; charset=utf-8')
  // The length is counted when the answer is encoded.
  return { status, fields: withoutField(fields, 'content-length'), body }
}

/** The answer of `upgrade` that accepts a client. */
export type Acceptance<Data> = UpgradeAcceptance<Data> | UpgradeAcceptance<undefined> | undefined

/** The answer of `upgrade`, with the body of a refusal read. */
export async function readAnswer<Data>(
  answer: UpgradeAnswer<Data> | PromiseLike<UpgradeAnswer<Data>>,
): Promise<Acceptance<Data> | HttpResponse> {
  const answered = await answer
  return isRefusal(answered) ? readHttpAnswer(answered) : answered
}

export function isRefusal<Refused extends { readonly status: number }>(
  answer: Acceptance<unknown> | Refused,
): answer is Refused {
  return answer?.status !== undefined
}

/** Header fields as names and values in turn. Throws a UsageError 'headerInvalid' for a value that has none. */
export function fieldsOf(headers: HeaderInput | undefined): string[] {
  if (headers === undefined || headers === null) return []
  if (typeof headers !== 'object') throw wrongHeaders(headers)
  const { getSetCookie, raw, forEach } = headers as AnyHeaders
  const isIterable = Symbol.iterator in headers
  if (typeof getSetCookie !== 'function' && typeof raw === 'function') return fieldsOfRecord(raw.call(headers))
  if (!isIterable && typeof forEach !== 'function') {
    return fieldsOfRecord(headers as Readonly<Record<string, string | readonly string[]>>)
  }
  const fields: string[] = []
  if (isIterable) {
    for (const pair of headers as Iterable<readonly [name: string, value: string]>) {
      if (!Array.isArray(pair) || pair.length !== 2) throw wrongHeaders(pair)
      fields.push(pair[0], pair[1])
    }
  } else {
    forEach!.call(headers, (value, name) => fields.push(name, value))
  }
  if (typeof getSetCookie !== 'function') return fields
  // The lines of Set-Cookie can't be joined, RFC 6265 §3, but iterators of some classes do so.
  return [
    ...withoutField(fields, 'set-cookie'),
    ...getSetCookie.call(headers).flatMap((cookie) => ['Set-Cookie', cookie]),
  ]
}

function fieldsOfRecord(record: Readonly<Record<string, string | readonly string[]>>): string[] {
  return Object.entries(record).flatMap(([name, value]) =>
    Array.isArray(value) ? value.flatMap((each: string) => [name, each]) : [name, value as string],
  )
}

function withoutField(fields: readonly string[], unwanted: string): string[] {
  const left = [...fields]
  for (let at = findField(left, unwanted); at >= 0; at = findField(left, unwanted, at)) left.splice(at, 2)
  return left
}

function bodyOf(body: unknown): string | Uint8Array {
  if (body === undefined || body === null) return ''
  if (typeof body === 'string') return body
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  if (Object.prototype.toString.call(body) === '[object ArrayBuffer]') return new Uint8Array(body as ArrayBuffer)
  throw new UsageError(
    'headerInvalid',
    `the body of an answer must be a string or bytes, not ${describe(body)}: read a stream first, or return a Response`,
  )
}

function wrongHeaders(found: unknown): UsageError {
  return new UsageError(
    'headerInvalid',
    `the headers of an answer must be Headers, an object of names and values, or a list of pairs, not ${describe(found)}`,
  )
}
