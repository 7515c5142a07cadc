import type { RequestHead, ResponseHead } from '../../ports/http-host.js'
import { tokenCharacter } from './field-syntax.js'

/** The differences between the head of a request and the head of a response. */
export interface HeadForm<Head> {
  readonly malformed: 'requestMalformed' | 'responseMalformed'
  readonly tooLong: 'requestHeadTooLong' | 'responseHeadTooLong'
  /** The syntax of the start line, for an error's detail. */
  readonly startLine: string
  /** Whether empty lines before the start line are skipped. */
  readonly skipsEmptyLines: boolean
  /**
   * Creates the head that a start line begins, or undefined if the line is malformed. The head keeps `fields`, which
   * are filled later.
   */
  begin(line: string, fields: readonly string[]): Head | undefined
}

// A target has no `\\` (RFC 3986): URL parsers read it as a slash, which a proxy's rule for a path would not see.
const requestLine = new RegExp(`^(${tokenCharacter}+) ([\\x21-\\x5b\\x5d-\\x7e]+) HTTP/(1\\.[01])$`)

export const requestForm: HeadForm<RequestHead> = {
  malformed: 'requestMalformed',
  tooLong: 'requestHeadTooLong',
  startLine: 'a method, a target and HTTP/1.0 or HTTP/1.1, one space between each',
  // RFC 9112 §2.2 requires it of servers. Skipped lines count towards the longest head.
  skipsEmptyLines: true,
  begin(line, fields) {
    const { 1: method, 2: target, 3: version } = requestLine.exec(line) ?? []
    if (method === undefined || target === undefined || version === undefined) return undefined
    return { method, target, version, fields }
  },
}

// RFC 9112 §4 requires a space before an absent reason, but some servers omit it.
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
