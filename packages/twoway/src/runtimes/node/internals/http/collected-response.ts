import { type IncomingMessage, type OutgoingHttpHeader, ServerResponse } from 'node:http'
import type { HttpResponse } from '../../../../ports/http-host.js'
import { nextTick } from '../genuine-timers.js'

/** Fields about the connection or the framing, which the sender of the answer writes: RFC 9110 §7.6.1, RFC 9112 §6. */
const notCopied = /^(?:connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|content-length)$/i

/** Further fields that a 101 has no use for, or that the handshake itself sets. */
const notIn101 = /^(?:content-|sec-websocket-)/i

/** A response of node:http that is not sent: it collects the bytes that are written to it. */
export interface CollectedResponse {
  readonly response: ServerResponse
  /** Resolves once it has ended. */
  readonly ended: Promise<HttpResponse>
  readonly isEnded: boolean
  /** Emits `close`, as when the client has left. */
  close(): void
}

type Callback = (error?: Error | null) => void

/**
 * Makes a response for middleware to an upgrade. It is a ServerResponse, so that `instanceof`, Express's own prototype and
 * packages that replace `writeHead`, `write` or `end` work on it. Its methods are properties of its own, because Express
 * changes the prototype. express-session and on-headers read `_header` and `_implicitHeader`.
 */
export function collectResponse(request: IncomingMessage, destroyed: (error: Error) => void): CollectedResponse {
  const response = new ServerResponse(request)
  const chunks: Uint8Array[] = []
  let isSent = false
  let isEnded = false
  let isClosed = false
  let resolve: (response: HttpResponse) => void
  const ended = new Promise<HttpResponse>((given) => {
    resolve = given
  })
  const hidden = response as unknown as { _header: string | null; finished: boolean }

  const close = (): void => {
    if (isClosed) return
    isClosed = true
    response.emit('close')
  }
  const writeHead = (status: number, ...rest: readonly unknown[]): ServerResponse => {
    if (isSent) throw new Error('the head of this response is written already')
    setHeaders(
      response,
      rest.find((each) => typeof each === 'object' && each !== null),
    )
    response.statusCode = status
    isSent = true
    hidden._header = `HTTP/1.1 ${status}\r\n\r\n`
    return response
  }
  // Through the property, because on-headers replaces it.
  const writeImplicitHead = (): void => {
    if (!isSent) response.writeHead(response.statusCode)
  }
  const write = (chunk: unknown, encoding?: unknown, callback?: unknown): boolean => {
    if (isEnded) throw new Error('this response has ended already')
    writeImplicitHead()
    chunks.push(toBytes(chunk, encoding))
    callLater(encoding, callback)
    return true
  }
  const end = (...args: readonly unknown[]): ServerResponse => {
    const [chunk, encoding] = args
    if (isEnded) {
      callLater(...args)
      return response
    }
    writeImplicitHead()
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') chunks.push(toBytes(chunk, encoding))
    isEnded = true
    hidden.finished = true
    callLater(...args)
    nextTick(() => {
      response.emit('finish')
      close()
    })
    resolve({ status: response.statusCode, fields: fieldsOf(response), body: Buffer.concat(chunks) })
    return response
  }
  const destroy = (error?: Error): ServerResponse => {
    if (!isEnded) destroyed(error ?? new Error('middleware destroyed the response to a handshake'))
    close()
    return response
  }
  /** As in Express; Passport calls it: `redirect(url)` or `redirect(status, url)`. */
  const redirect = (...args: readonly unknown[]): void => {
    const { redirect: ofApp } = Object.getPrototypeOf(response) as { redirect?: (...all: unknown[]) => void }
    if (ofApp !== undefined) {
      ofApp.apply(response, [...args])
      return
    }
    response.statusCode = typeof args[0] === 'number' ? args[0] : 302
    response.setHeader('Location', encodeURI(String(args.at(-1))).replaceAll('%25', '%'))
    response.end()
  }
  const skip = (...args: readonly unknown[]): void => callLater(...args)
  const methods = {
    writeHead,
    write,
    end,
    destroy,
    redirect,
    _implicitHeader: writeImplicitHead,
    flushHeaders: writeImplicitHead,
  }
  const interim = { writeContinue: skip, writeProcessing: skip, writeEarlyHints: skip }
  for (const [name, value] of Object.entries({ ...methods, ...interim })) {
    Object.defineProperty(response, name, { value, writable: true, configurable: true })
  }
  const states = {
    headersSent: () => isSent,
    writableEnded: () => isEnded,
    writableFinished: () => isEnded,
    destroyed: () => isClosed,
    closed: () => isClosed,
  }
  for (const [name, get] of Object.entries(states)) {
    Object.defineProperty(response, name, { get, set: () => {}, configurable: true })
  }
  return {
    response,
    ended,
    get isEnded() {
      return isEnded
    },
    close,
  }
}

/** Calls the callback among the arguments of a write, after it. */
function callLater(...args: readonly unknown[]): void {
  const callback = args.find((each) => typeof each === 'function')
  if (callback !== undefined) nextTick(callback as Callback)
}

function toBytes(chunk: unknown, encoding: unknown): Uint8Array {
  if (typeof chunk === 'string') return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as 'utf8') : 'utf8')
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength).slice()
  throw new TypeError('a response takes strings, Buffers and Uint8Arrays')
}

/** The headers of `writeHead`: an object, a list of pairs, or names and values in turn. */
function setHeaders(response: ServerResponse, headers: unknown): void {
  if (headers === undefined) return
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers as Record<string, OutgoingHttpHeader | undefined>)) {
      if (value !== undefined) response.setHeader(name, value)
    }
    return
  }
  const flat = headers.every((each) => Array.isArray(each)) ? headers.flat() : headers
  for (let at = 0; at < flat.length; at += 2) response.removeHeader(String(flat[at]))
  for (let at = 0; at < flat.length; at += 2) {
    const name = String(flat[at])
    const before = response.getHeader(name)
    const value = flat[at + 1] as string
    response.setHeader(name, before === undefined ? value : [before, value].flat().map(String))
  }
}

/** Names and values in turn, without those that belong to another message. */
function fieldsOf(response: ServerResponse): string[] {
  const fields: string[] = []
  for (const name of response.getHeaderNames()) {
    if (notCopied.test(name) || (response.statusCode === 101 && notIn101.test(name))) continue
    for (const value of [response.getHeader(name)!].flat()) fields.push(nameAsSet(response, name), String(value))
  }
  return fields
}

/** Not all runtimes keep the case of a name. */
function nameAsSet(response: ServerResponse & { getRawHeaderNames?(): string[] }, name: string): string {
  return response.getRawHeaderNames?.().find((raw) => raw.toLowerCase() === name) ?? name
}
