import { TransportError } from '../../../core/errors.js'
import type { Connector, ConnectTarget } from '../../../ports/connector.js'
import type { Transport } from '../../../ports/transport.js'
import { adoptSocket } from '../internals/adopt-socket.js'
import { streamWrap } from '../internals/stream-wrap.js'
import { proxyFor } from '../proxy/proxy-for.js'
import { openTunnel } from '../proxy/tunnel.js'
import { DeferredTransport } from '../transport/deferred-transport.js'
import { SharedReading, sharesReads } from '../transport/shared-reading.js'
import { StreamTransport } from '../transport/stream-transport.js'
import { connectByCaller } from './caller-connection.js'
import { explainLoss } from './explain-loss.js'
import { openSocket } from './open-socket.js'

/** Opens TCP and TLS connections and those over Unix sockets, directly or through a proxy. */
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
  return target.tls === undefined && streamWrap !== undefined ? connectByHandle(target) : connectByStream(target)
}

/** The socket connects, and then its handle is all that is used of it. */
function connectByHandle(target: ConnectTarget): Transport {
  const { progress = () => {} } = target
  const socket = openSocket(target, progress)
  const transport = new DeferredTransport(false, () => socket.destroy())
  const fail = (cause: Error): void => transport.fail(explainLoss(target, false, cause))
  socket.once('error', fail)
  socket.once('connect', () => {
    socket.off('error', fail)
    progress(undefined)
    transport.settle(adoptSocket(socket, { explain: (cause) => explainLoss(target, true, cause) }))
  })
  return transport
}

function connectByStream(target: ConnectTarget): Transport {
  const { progress = () => {} } = target
  let isConnected = false
  const reading = sharesReads ? new SharedReading() : undefined
  const socket = openSocket(target, progress, reading)
  socket.once(target.tls === undefined ? 'connect' : 'secureConnect', () => {
    isConnected = true
    progress(undefined)
  })
  return new StreamTransport(socket, {
    reading,
    explain: (cause) => explainLoss(target, isConnected, cause),
  })
}
