import { isIP } from 'node:net'
import { HandshakeError, TransportError } from '../../../core/errors.js'
import { encodeBase64 } from '../../../core/handshake/base64.js'
import { encodeHead } from '../../../core/http/encode-head.js'
import { responseForm } from '../../../core/http/head-form.js'
import { HeadParser } from '../../../core/http/head-parser.js'
import { HeaderFields } from '../../../core/http/header-fields.js'
import { clientLimits } from '../../../core/limits.js'
import { encodeUtf8 } from '../../../core/payload/encode-utf8.js'
import { quoted } from '../../../core/printable.js'
import type { HeadLimits, ResponseHead } from '../../../ports/http-host.js'
import type { Credentials } from './proxy-address.js'
import type { ProxyDialogue, ProxyTarget } from './proxy-dialogue.js'

/** The meaning of statuses of a proxy, in case its reason phrase does not explain them. */
const meanings: { readonly [status: number]: string | undefined } = {
  403: 'it forbids that target',
  405: 'it takes no CONNECT',
  501: 'it takes no CONNECT',
  502: 'it could not reach the target',
  503: 'it could not reach the target',
  504: 'the target did not answer it in time',
}

/** Asks an HTTP proxy for a tunnel, RFC 9110 §9.3.6. The constructor sends the request. */
export class HttpConnect implements ProxyDialogue {
  readonly #hasCredentials: boolean
  /** The rest of these limits for further heads. */
  #limits: HeadLimits
  #parser: HeadParser<ResponseHead>
  #isDone = false

  constructor(
    { host, port }: ProxyTarget,
    credentials: Credentials | undefined,
    send: (bytes: Uint8Array) => void,
    limits: HeadLimits = clientLimits,
  ) {
    this.#limits = limits
    this.#parser = new HeadParser(responseForm, limits)
    this.#hasCredentials = credentials !== undefined
    const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
    const fields = ['Host', authority]
    if (credentials !== undefined) {
      const basic = encodeBase64(encodeUtf8(`${credentials.user}:${credentials.password}`))
      fields.push('Proxy-Authorization', `Basic ${basic}`)
    }
    send(encodeHead(`CONNECT ${authority} HTTP/1.1`, fields))
  }

  get isDone(): boolean {
    return this.#isDone
  }

  receive(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    while (at < end && !this.#isDone) {
      at += this.#parse(bytes, at, end)
      const { head } = this.#parser
      if (head !== undefined) this.#settle(head)
    }
    return at - start
  }

  #parse(bytes: Uint8Array, start: number, end: number): number {
    try {
      return this.#parser.receive(bytes, start, end)
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error
      const isTooLong = error.code === 'responseHeadTooLong'
      throw new TransportError(isTooLong ? 'the head of its answer is too long' : 'its answer is not HTTP', {
        cause: error,
      })
    }
  }

  /** RFC 9110 §9.3.6: any 2xx opens the tunnel directly behind the head, even if the head announces a body. */
  #settle({ status, reason, fields }: ResponseHead): void {
    if (status >= 200 && status <= 299) {
      this.#isDone = true
    } else if (status >= 100 && status <= 199) {
      this.#limits = { ...this.#limits, maxHeadBytes: this.#limits.maxHeadBytes - this.#parser.bytesRead }
      this.#parser = new HeadParser(responseForm, this.#limits)
    } else {
      const meaning = status === 407 ? this.#authentication(new HeaderFields(fields)) : meanings[status]
      throw new TransportError(`${meaning ?? 'it refused'} (${`${status} ${quoted(reason)}`.trimEnd()})`)
    }
  }

  #authentication(headers: HeaderFields): string {
    const schemes = schemesOf(headers.all('proxy-authenticate'))
    if (schemes.length > 0 && !schemes.some((scheme) => scheme.toLowerCase() === 'basic')) {
      return `it asks for authentication by ${quoted(schemes.join(', '))}, of which this side speaks none: only Basic`
    }
    return this.#hasCredentials
      ? 'it does not take the user and password given, or not by Basic authentication'
      : "it asks for a user and a password: write them in the proxy's URL, http://user:password@host:port"
  }
}

/** The schemes of challenges, RFC 9110 §11.6.1: a token that begins a value or follows a comma, and no parameter. */
function schemesOf(values: readonly string[]): readonly string[] {
  const found = values.flatMap((value) =>
    [
      ...value
        .replace(/"(?:[^"\\]|\\.)*"/g, '""')
        .matchAll(/(?:^|,)[ \t]*([\w!#$%&'*+.^`|~-]+)(?=[ \t]+[^ \t=]|[ \t]*(?:,|$))/g),
    ].map(([, scheme = '']) => scheme),
  )
  return [...new Set(found)]
}
