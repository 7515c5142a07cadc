import { TransportError } from '../../../core/errors.js'
import type { Connector, ConnectTarget } from '../../../ports/connector.js'
import type { Transport } from '../../../ports/transport.js'
import { canConnectHandle, connectHandle } from '../internals/connect-handle.js'
import { hasHandles, tryHandles } from '../internals/handle-trial.js'
import { proxyFor } from '../proxy/proxy-for.js'
import { openTunnel } from '../proxy/tunnel.js'
import { chooseReading, chooseTransport, handleTransport } from '../transport/choose-transport.js'
import { DeferredTransport } from '../transport/deferred-transport.js'
import { whyOnlyStreams } from '../transport/shared-reading.js'
import { connectByCaller } from './caller-connection.js'
import { explainLoss } from './explain-loss.js'
import { nameOf, openSocket } from './open-socket.js'
import { publishConnection } from './publish-connection.js'

/** Opens connections by TCP, TLS and Unix sockets, directly or through a proxy. */
export const nodeConnector: Connector = {
  connect(target) {
    try {
      if (target.createConnection !== undefined) return connectByCaller(target, target.createConnection)
      const proxy = proxyFor(target, process.env)
      return proxy === undefined ? connectDirectly(target) : openTunnel(proxy, target)
    } catch (error) {
      if (!(error instanceof TransportError)) throw error
      const transport = new DeferredTransport(target.tls !== undefined, () => {})
      transport.fail(error)
      return transport
    }
  },
}

function connectDirectly(target: ConnectTarget): Transport {
  if (target.tls !== undefined || whyOnlyStreams !== undefined) return connectByStream(target)
  return hasHandles() && needsNoSocket(target) ? connectByHandle(target) : connectBySocket(target)
}

/** Whether the target is an address that the system may connect to from any of its own. */
function needsNoSocket({ host, port, socketPath, local }: ConnectTarget): boolean {
  if (socketPath !== undefined || local?.localAddress !== undefined || local?.localPort !== undefined) return false
  return canConnectHandle(host, port)
}

/** Connects a handle, if handles are known to work. */
function connectByHandle(target: ConnectTarget): Transport {
  const { host, port, progress = () => {} } = target
  progress(`connecting to ${nameOf(target)}`)
  const transport = new DeferredTransport(false, () => abandon())
  const abandon = connectHandle(host, port, {
    connected(handle) {
      progress(undefined)
      const chosen = handleTransport(handle, { explain: explainerOf(target) })
      transport.settle(chosen)
      publishConnection(target, chosen.path)
    },
    failed: (cause) => transport.fail(explainLoss(target, false, cause)),
  })
  return transport
}

/** Connects by a socket and then uses only its handle, if handles are known to work. */
function connectBySocket(target: ConnectTarget): Transport {
  const { progress = () => {} } = target
  const tried = tryHandles()
  const socket = openSocket(target, progress)
  const transport = new DeferredTransport(false, () => socket.destroy())
  let isConnected = false
  const fail = (cause: Error): void => transport.fail(explainLoss(target, isConnected, cause))
  const settle = (): void => {
    socket.off('error', fail)
    if (transport.isGone) return
    const chosen = chooseTransport(socket, { explain: explainerOf(target) })
    transport.settle(chosen)
    publishConnection(target, chosen.path)
  }
  socket.once('error', fail)
  socket.once('connect', () => {
    isConnected = true
    progress(undefined)
    if (hasHandles()) {
      settle()
      return
    }
    // Bytes that the socket has read would not come by its handle.
    socket.pause()
    void tried.then(settle)
  })
  return transport
}

/** Keeps the names of a target alone: the rest, such as `progress`, would take memory as long as the connection lives. */
function explainerOf({ host, port, tls, socketPath }: ConnectTarget): (cause: Error) => TransportError {
  return (cause) => explainLoss({ host, port, tls, socketPath }, true, cause)
}

function connectByStream(target: ConnectTarget): Transport {
  const { progress = () => {} } = target
  let isConnected = false
  const reading = target.tls === undefined ? undefined : chooseReading()
  const socket = openSocket(target, progress, reading)
  const transport = chooseTransport(socket, { reading, explain: (cause) => explainLoss(target, isConnected, cause) })
  socket.once(target.tls === undefined ? 'connect' : 'secureConnect', () => {
    isConnected = true
    progress(undefined)
    publishConnection(target, transport.path)
  })
  return transport
}
