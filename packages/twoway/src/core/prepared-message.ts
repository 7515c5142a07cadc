import type { SendResult } from './connection-types.js'

/** The key of the method of a server that frames a message for many of its sockets. */
export const prepareMessage = Symbol('prepareMessage')
/** The key of the method of a server that joins prepared messages. */
export const joinPrepared = Symbol('joinPrepared')
/** The key of the method of a socket that sends such a message. */
export const sendPrepared = Symbol('sendPrepared')
/** The key of the method of a socket that sends joined messages. */
export const sendJoined = Symbol('sendJoined')

/** A message that is framed once, and compressed once, for all sockets of a server. It can be sent again later. */
export interface PreparedMessage {
  /** Bytes of the payload. */
  readonly length: number
}

/** Prepared messages in a row, joined once for all sockets of a server. */
export interface PreparedRun {
  readonly messages: readonly PreparedMessage[]
}

export interface PreparesMessages {
  /** The bytes must not change as long as the message is in use. */
  [prepareMessage](message: string | Uint8Array): PreparedMessage
  [joinPrepared](messages: readonly PreparedMessage[]): PreparedRun
}

export interface SendsPrepared {
  /** The message must have been prepared by the server of this socket, or one of the same kind. */
  [sendPrepared](message: PreparedMessage, compress?: boolean): SendResult
  /** Sends all of them, or none. */
  [sendJoined](run: PreparedRun): SendResult
}
