import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The state that node:http keeps on a socket: the response that is being written, and whether reading waits for it. */
interface AnsweringSocket extends Socket {
  _httpMessage?: (ServerResponse & { readonly req?: IncomingMessage }) | null
  _paused?: boolean
}

/**
 * Calls back once the responses to a connection's earlier requests are written: at once if there are none, and never if
 * the connection ends with them. Responses follow the order of requests, RFC 9112 §9.3.2.
 *
 * node:http has removed its listeners from the socket by then. Until the responses are written, this function does their
 * work: it passes `drain` on to the response, drops the connection on a timeout, and ends a request whose peer is gone.
 */
export function afterResponses(connection: Socket, goOn: () => void): void {
  const socket = connection as AnsweringSocket
  const isAnswering = (): boolean => (socket._httpMessage ?? null) !== null
  if (!isAnswering()) {
    goOn()
    return
  }
  // Otherwise node:http would resume the socket when the responses are written, and the received bytes would be lost.
  socket._paused = false
  const drain = (): void => {
    const response = socket._httpMessage
    if (response?.writableNeedDrain) response.emit('drain')
  }
  const drop = (): void => {
    socket.destroy()
  }
  const ignore = (): void => {}
  const closed = (): void => {
    socket._httpMessage?.req?.destroy()
  }
  const stop = (): void => {
    socket.off('drain', drain).off('timeout', drop).off('error', ignore).off('close', closed)
  }
  const next = (): void => {
    if (isAnswering() && !socket.destroyed) {
      socket._httpMessage!.once('close', next)
      return
    }
    stop()
    // A response with Connection: close was the last.
    if (!socket.destroyed && socket.writable) goOn()
    else socket.on('error', ignore)
  }
  socket.on('drain', drain).on('timeout', drop).on('error', ignore).on('close', closed)
  next()
}
