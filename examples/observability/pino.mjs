/**
 * Logs what happens on the servers of this process with pino. Errors say whose fault they are: a peer that breaks the
 * protocol is no reason to wake anybody, a handler that throws is.
 *
 *     import { pino } from 'pino'
 *     logServers(pino())
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'

/** The level of an error by whose fault it is. */
const levels = { peer: 'info', network: 'debug', program: 'error' }

/**
 * @param {import('pino').Logger} logger
 * @returns {() => void} ends the logging
 */
export function logServers(logger) {
  const listeners = {
    'twoway:error': ({ socket, error, code, fault }) =>
      logger[levels[fault]]({ ...of(socket), err: error, code, fault }, `error, the fault of the ${fault}`),
    'twoway:limit': ({ socket, limit, remoteAddress }) =>
      logger.warn({ ...of(socket), remoteAddress, limit }, `the limit ${limit} was reached`),
    'twoway:handshake': ({ status, request, remoteAddress }) => {
      // Without the query, which may have a token.
      const path = request && new URL(request.url).pathname
      if (status !== 101)
        logger.info({ remoteAddress, path, status }, status ? 'handshake refused' : 'handshake given up')
    },
    'twoway:open': ({ socket }) => logger.debug(of(socket), 'connection opened'),
    'twoway:close': ({ socket, code, reason, wasClean, meaning }) =>
      logger.debug({ ...of(socket), code, reason, wasClean }, `connection closed: ${meaning}`),
  }
  for (const [name, listener] of Object.entries(listeners)) subscribe(name, listener)
  return () => {
    for (const [name, listener] of Object.entries(listeners)) unsubscribe(name, listener)
  }
}

function of(socket) {
  return socket === undefined ? {} : { connection: socket.id, remoteAddress: socket.remoteAddress }
}
