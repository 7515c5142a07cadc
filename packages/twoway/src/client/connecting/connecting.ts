import { type HandshakeError, TransportError, UsageError } from '../../core/errors.js'
import type { ExtensionNegotiator } from '../../core/extensions/extension.js'
import { DeflateNegotiator } from '../../core/extensions/permessage-deflate/deflate-negotiator.js'
import type { DeflateSettings } from '../../core/extensions/permessage-deflate/deflate-options.js'
import { encodeBase64 } from '../../core/handshake/base64.js'
import { ClientHandshake } from '../../core/handshake/client-handshake.js'
import { findField } from '../../core/http/header-fields.js'
import { encodeLatin1 } from '../../core/http/latin1.js'
import { quoted } from '../../core/printable.js'
import type { ScratchPool } from '../../core/sending/scratch-pool.js'
import type { Clock, Timer } from '../../ports/clock.js'
import type { Connector, TlsClientOptions } from '../../ports/connector.js'
import type { DeflateCodec } from '../../ports/deflate-codec.js'
import type { ResponseHead } from '../../ports/http-host.js'
import type { Payload } from '../../ports/payload.js'
import type { Random } from '../../ports/random.js'
import { onAbort } from './abort-listeners.js'
import type { ClientSettings } from './client-settings.js'
import { type Destination, destinationOf, isSameOrigin } from './destination.js'
import { type OpenedConnection, Opening } from './opening.js'
import { redirectOf } from './redirect.js'
import type { InflateBody } from './refusal-body.js'

/** The ports that connecting needs. */
export interface ConnectingPorts {
  readonly connector: Connector
  /** Undefined if the runtime has none. */
  readonly deflateCodec: () => DeflateCodec | undefined
  /** Decodes a content coding of a body; absent if the runtime can't. */
  readonly inflateBody?: InflateBody
  readonly payload: Payload
  readonly clock: Clock
  readonly random: Random
  readonly scratchPool: ScratchPool
}

export interface ConnectingEvents {
  /** The connection is open. `rest[start, end)` arrived behind the server's answer and is valid during the call only. */
  opened(opened: OpenedConnection, rest: Uint8Array, start: number, end: number): void
  /** Connecting failed, and the transport is gone. */
  failed(error: HandshakeError | TransportError): void
}

export interface ConnectingOptions {
  readonly ports: ConnectingPorts
  readonly settings: ClientSettings
  /** A URL that `parseWebSocketUrl` accepts. */
  readonly url: URL
  readonly protocols: readonly string[]
  readonly events: ConnectingEvents
}

/**
 * Connects to a URL: makes opening handshakes one after the other, as the server redirects, within one time limit, until one
 * is accepted or fails. Ends with one of its two events, never within the constructor.
 */
export class Connecting {
  readonly #options: ConnectingOptions
  #timer: Timer | undefined
  #stopListening: (() => void) | undefined
  /** The URLs of all requests so far, once there are several. */
  #visited: Set<string> | undefined
  readonly #negotiators: readonly ExtensionNegotiator[]
  #destination: Destination
  /** Undefined once it has ended, and if the signal was aborted before: then no connection is tried. */
  #opening: Opening | undefined
  /** The step before the server's answer that is under way, in words. */
  #stage: string | undefined
  /** Whether all redirects so far led to the origin that the caller named. */
  #isSameOrigin = true

  /** Throws a UsageError if the options make no valid request. */
  constructor(options: ConnectingOptions) {
    const { url, settings, ports } = options
    const { limits, signal, proxy } = settings
    this.#options = options
    this.#negotiators = settings.negotiators ?? negotiatorsOf(settings.perMessageDeflate, ports)
    this.#destination = destinationOf(url)
    if (this.#destination.socketPath !== undefined && proxy !== undefined && proxy.url !== 'env') {
      throw new UsageError('optionInvalid', 'a Unix socket is reached without a proxy: leave the option proxy out')
    }
    const handshake = this.#handshakeFor(this.#destination)
    if (signal?.aborted) {
      // In a separate task, so that the caller can add listeners first.
      ports.clock.task(() => this.#options.events.failed(this.#aborted()))
      return
    }
    this.#opening = this.#open(this.#destination, handshake)
    this.#timer = ports.clock.after(limits.handshakeTimeoutMs, () => this.#opening!.expire(this.#timeout()))
    if (signal !== undefined) this.#stopListening = onAbort(signal, () => this.fail(this.#aborted()))
  }

  /** Fails with this error, unless it has ended. `failed` follows. */
  fail(error: TransportError): void {
    this.#opening?.fail(error)
  }

  #handshakeFor({ url }: Destination): ClientHandshake {
    const { ports, settings, protocols } = this.#options
    return new ClientHandshake({
      host: url.host,
      target: url.pathname + url.search,
      key: encodeBase64(ports.random.bytes(16)),
      protocols,
      extensions: this.#negotiators.flatMap(({ offers }) => offers),
      fields: this.#isSameOrigin ? sameOriginFields(this.#options.url, settings.fields) : [],
      origin: settings.origin,
      userAgent: settings.userAgent,
      limits: settings.limits,
    })
  }

  #open(destination: Destination, handshake: ClientHandshake): Opening {
    const { ports, settings, events } = this.#options
    const { url, socketPath } = destination
    const secure = url.protocol === 'wss:'
    const transport = ports.connector.connect({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      tls: secure ? this.#tls() : undefined,
      socketPath,
      local: settings.local,
      createConnection: settings.createConnection,
      proxy: socketPath === undefined ? settings.proxy : undefined,
      progress: (stage) => {
        this.#stage = stage
      },
    })
    return new Opening({
      handshake,
      transport,
      negotiators: this.#negotiators,
      clock: ports.clock,
      limits: settings.limits,
      inflate: ports.inflateBody,
      events: {
        opened: (opened, rest, start, end) => {
          this.#settle()
          events.opened(opened, rest, start, end)
        },
        refused: (response) => this.#redirect(response),
        failed: (error) => {
          this.#settle()
          events.failed(error)
        },
      },
    })
  }

  /** Another origin gets neither the client's certificate nor `rejectUnauthorized: false`. */
  #tls(): TlsClientOptions {
    const { tls } = this.#options.settings
    if (this.#isSameOrigin) return tls
    const { ca, minVersion, maxVersion, ciphers } = tls
    return { ca, minVersion, maxVersion, ciphers }
  }

  /**
   * Follows a redirect, or returns the reason why not, '' if there is no redirect. The caller's headers and credentials go
   * to the caller's origin only, and not even there again after a redirect to another origin.
   */
  #redirect(response: ResponseHead): string | undefined {
    const { maxRedirects } = this.#options.settings
    const destination = redirectOf(response, this.#destination)
    if (destination === undefined) return ''
    if (typeof destination === 'string') return destination
    const { href } = destination.url
    if (maxRedirects === 0)
      return `it redirects to ${quoted(href)}, and redirects are followed only if maxRedirects allows it`
    this.#visited ??= new Set<string>().add(this.#destination.url.href)
    if (this.#visited.has(href)) return `its redirects lead in a circle, to ${quoted(href)} again`
    if (this.#visited.size > maxRedirects)
      return `it redirects to ${quoted(href)}, beyond the ${maxRedirects} of maxRedirects`
    this.#visited.add(href)
    this.#opening!.abandon()
    this.#isSameOrigin &&= isSameOrigin(destination, this.#destination)
    this.#destination = destination
    this.#opening = this.#open(destination, this.#handshakeFor(destination))
    return undefined
  }

  #timeout(): TransportError {
    const { handshakeTimeoutMs } = this.#options.settings.limits
    const stage = this.#stage ?? "waiting for the server's answer"
    return new TransportError(`the opening handshake timed out after ${handshakeTimeoutMs} ms while ${stage}`)
  }

  #settle(): void {
    // Its handshake would take memory as long as the connection lives.
    this.#opening = undefined
    this.#timer?.cancel()
    this.#stopListening?.()
  }

  #aborted(): TransportError {
    return new TransportError('connecting was aborted', { cause: this.#options.settings.signal?.reason })
  }
}

/** The negotiators of the client's offers. Connections with the same settings may share them. */
export function negotiatorsOf(
  offers: readonly DeflateSettings[],
  ports: ConnectingPorts,
): readonly ExtensionNegotiator[] {
  const codec = offers.length === 0 ? undefined : ports.deflateCodec()
  return codec === undefined ? [] : [new DeflateNegotiator(offers, { ...ports, codec })]
}

/** The caller's fields, and Basic authentication by the user and password of the URL, unless a field replaces it. */
function sameOriginFields(url: URL, fields: readonly string[]): readonly string[] {
  return findField(fields, 'authorization') >= 0 ? fields : credentialsOf(url).concat(fields)
}

/** User and password of a URL as Basic authentication, RFC 7617. */
function credentialsOf({ username, password }: URL): string[] {
  if (username === '' && password === '') return []
  const credentials = `${username}:${password}`.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return ['Authorization', `Basic ${encodeBase64(encodeLatin1(credentials))}`]
}
