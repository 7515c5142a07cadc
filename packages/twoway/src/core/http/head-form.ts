import type { RequestHead, ResponseHead } from '../../ports/http-host.js'
import { tokenCharacter } from './field-syntax.js'

/** What tells the head of a request from that of a response. */
export interface HeadForm<Head> {
  readonly malformed: 'requestMalformed' | 'responseMalformed'
  readonly tooLong: 'requestHeadTooLong' | 'responseHeadTooLong'
  /** What a start line must be, for the error's detail. */
  readonly startLine: string
  /** Whether empty lines before the start line are passed over. */
  readonly skipsEmptyLines: boolean
  /** The head that begins with this line, or undefined where it is no start line. `fields` is kept, and filled later. */
  begin(line: string, fields: readonly string[]): Head | undefined
}

const requestLine = new RegExp(`^(${tokenCharacter}+) ([\\x21-\\x7e]+) HTTP/(1\\.[01])$`)

/** The parts of the request line that came last: most clients of a server ask for the same. */
let last: { line: string; method: string; target: string; version: string } | undefined

export const requestForm: HeadForm<RequestHead> = {
  malformed: 'requestMalformed',
  tooLong: 'requestHeadTooLong',
  startLine: 'a method, a target and HTTP/1.0 or HTTP/1.1, one space between each',
  // RFC 9112 §2.2 asks it of servers. They count for the longest head.
  skipsEmptyLines: true,
  begin(line, fields) {
    if (line !== last?.line) {
      const [, method, target, version] = requestLine.exec(line) ?? []
      if (method === undefined || target === undefined || version === undefined) return undefined
      last = { line, method, target, version }
    }
    return { method: last.method, target: last.target, version: last.version, fields }
  },
}

// RFC 9112 §4 puts a space before a reason that is absent; servers are about that leave it out.
const statusLine = /^HTTP\/(1\.[01]) ([0-9]{3})(?: (.*))?$/

export const responseForm: HeadForm<ResponseHead> = {
  malformed: 'responseMalformed',
  tooLong: 'responseHeadTooLong',
  startLine: 'HTTP/1.0 or HTTP/1.1, a status of three digits and a reason, one space between each',
  skipsEmptyLines: false,
  begin(line, fields) {
    const { 1: version, 2: status, 3: reason = '' } = statusLine.exec(line) ?? []
    if (version === undefined || status === undefined) return undefined
    return { version, status: Number(status), reason, fields }
  },
}
