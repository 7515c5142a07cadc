import { TransportError } from '../../../core/errors.js'
import { explainFailure } from './explain-failure.js'
import { nameOf, type SocketTarget } from './open-socket.js'

/** The error of a connection to a target that could not be opened, or that was lost. */
export function explainLoss(target: SocketTarget, wasConnected: boolean, cause: Error): TransportError {
  const name = nameOf(target)
  const what = wasConnected ? `the connection to ${name} was lost` : `can't connect to ${name}`
  return new TransportError(`${what}: ${explainFailure(cause)}`, { cause })
}
