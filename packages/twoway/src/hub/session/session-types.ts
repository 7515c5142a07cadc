import type { SendResult } from '../../core/connection-types.js'
import type { SendsPrepared } from '../../core/prepared-message.js'
import type { ClientMessage } from '../../subprotocol/messages.js'
import type { RefusedMessage } from './client-messages.js'

/** The connection of a session: the server's own socket, as an object in between would cost each delivery its memory access. */
export interface SessionSocket extends SendsPrepared {
  readonly id: string
  readonly request: unknown
  /** The value that the server's `upgrade` returned. */
  readonly data: unknown
  send(message: string | Uint8Array): SendResult
  close(code: number, reason: string): void
}

/** The reading side of the connection. */
export interface SessionReader {
  pause(): void
  resume(): void
}

export type MessageOf<Type> = Extract<ClientMessage, { readonly t: Type }>

/** A client's message, with the binary message that followed it. */
export interface Received<Message = ClientMessage | RefusedMessage> {
  readonly message: Message
  readonly body: Uint8Array | undefined
}
