import type { ExtensionOffer } from './extension-header.js'

/**
 * What a negotiated extension does to the messages of one connection, RFC 6455 §9.
 * It works on whole messages: it sees a message's payload without its frames.
 */
export interface Extension {
  readonly name: string
  /** The reserved bits that mark a message it has changed, on the message's first frame: 4 is RSV1, 2 RSV2, 1 RSV3. */
  readonly messageBits: number
  /** The changed message, or undefined to send this one as it is. The result is the caller's; the input is not kept. */
  encode(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined
  /**
   * Undoes the change, piece by piece as a marked message arrives; `last` at its end, where the range may be empty.
   * What comes out goes to `emit`, whose range is valid during that call; `emit` throws where the message grows too
   * long, and that must pass through. A malformed message is a ProtocolError.
   */
  decode(bytes: Uint8Array, start: number, end: number, last: boolean, emit: PayloadSink): void
  /** The connection is gone: gives back what the extension holds. */
  close(): void
}

export type PayloadSink = (bytes: Uint8Array, start: number, end: number) => void

/** How an extension is agreed upon in the opening handshake. One extension serves a connection, the first agreed. */
export interface ExtensionNegotiator {
  readonly name: string
  /** What a client offers, the preferred first. */
  readonly offers: readonly ExtensionOffer[]
  /** A server's decision on one offer of this name: what it answers, or undefined to decline. */
  accept(offer: ExtensionOffer): AcceptedExtension | undefined
  /** A client's reading of the server's answer; undefined where it does not fit what was offered. */
  confirm(answer: ExtensionOffer): Extension | undefined
}

export interface AcceptedExtension {
  readonly answer: ExtensionOffer
  readonly extension: Extension
}
