import type { Extension } from '../../core/extensions/extension.js'
import type { Transport } from '../../ports/transport.js'
import type { IncomingRequest } from '../handshake/incoming-request.js'

/** The parts of an accepted handshake that make a connection. */
export interface AcceptedHandshake<Data> {
  readonly transport: Transport
  readonly request: IncomingRequest
  readonly data: Data
  readonly protocol: string
  /** The value of Sec-WebSocket-Extensions; '' for none. */
  readonly extensions: string
  readonly extension: Extension | undefined
  /** Whether its messages are delivered in pieces. */
  readonly messageStream: boolean
  /** Bytes that the peer sent before the decision. They are received first, and the receiver may overwrite them. */
  readonly ahead: Uint8Array | undefined
}
