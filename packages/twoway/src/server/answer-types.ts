import type { HeadersLike } from '../ports/platform-types.js'

/** The result of `upgrade`: data, subprotocol and header fields of the connection, or an answer that refuses it. */
export type UpgradeAnswer<Data> = UpgradeAcceptance<Data> | UpgradeAcceptance<undefined> | HttpAnswer | undefined

export interface UpgradeAcceptance<Data> {
  readonly data?: Data
  /** One of `request.protocols`. */
  readonly protocol?: string | undefined
  /**
   * Whether this connection may compress, if `perMessageDeflate` of the server allows it.
   * @default true
   */
  readonly perMessageDeflate?: boolean | undefined
  /**
   * Whether the messages of this connection go to `messageStream`, if the server has `message` too.
   * @default false
   */
  readonly messageStream?: boolean | undefined
  /** Further fields of the answer; none that the handshake sets, and none that concerns the connection. */
  readonly headers?: HeaderInput | undefined
  readonly status?: undefined
}

/** An object of names and values, where a list of values makes several fields; a list of pairs; or Headers. */
export type HeaderInput =
  | Readonly<Record<string, string | readonly string[]>>
  | Iterable<readonly [name: string, value: string]>
  | HeadersLike

/**
 * An HTTP answer: a Response, or a plain object. The server closes the connection after it, and sends Content-Length and
 * Connection itself.
 *
 * A Response may come from `fetch`.
 * @remarks Fields that describe another connection or another body are left out: Connection and the fields that it names,
 * Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade, Content-Length, and Content-Encoding if the body is
 * decoded. In a plain object such fields are an error; Upgrade and a Connection that does not contradict `close` are
 * allowed.
 */
export type HttpAnswer = ResponseLike | PlainAnswer

export interface PlainAnswer {
  /** From 200 to 599. */
  readonly status: number
  readonly headers?: HeaderInput | undefined
  readonly body?: string | Uint8Array | undefined
}

/** The members that a Response has on every platform. */
export interface ResponseLike {
  readonly status: number
  readonly headers: HeadersLike
  /** '' unless it came from `fetch`. */
  readonly url?: string | undefined
  arrayBuffer(): Promise<ArrayBuffer>
}
