import type { SendResult } from '../../core/connection-types.js'
import type { PreparedMessage, PreparedRun } from '../../core/prepared-message.js'
import type { ClientMessage } from '../../subprotocol/messages.js'
import type { RefusedMessage } from './client-messages.js'

/** The connection of a session. */
export interface SessionSocket {
  readonly id: string
  readonly request: unknown
  /** The value that the server's `upgrade` returned. */
  readonly data: unknown
  send(message: string | Uint8Array): SendResult
  sendPrepared(message: PreparedMessage): SendResult
  sendJoined(run: PreparedRun): SendResult
  pause(): void
  resume(): void
  close(code: number, reason: string): void
}

export type MessageOf<Type> = Extract<ClientMessage, { readonly t: Type }>

/** A client's message, with the binary message that followed it. */
export interface Received<Message = ClientMessage | RefusedMessage> {
  readonly message: Message
  readonly body: Uint8Array | undefined
}
