import { TransportError } from '../../core/errors.js'
import type { Connector, ConnectTarget } from '../../ports/connector.js'
import type { Transport } from '../../ports/transport.js'
import { DeferredTransport } from './deferred-transport.js'
import { explainFailure } from './explain-failure.js'
import { nameOf, openSocket } from './open-socket.js'
import { proxyFor } from './proxy/proxy-for.js'
import { openTunnel } from './proxy/tunnel.js'
import { SharedReading, sharesReads } from './shared-reading.js'
import { StreamTransport } from './stream-transport.js'

/** Opens TCP and TLS connections and those over Unix sockets, directly or through a proxy. */
export const nodeConnector: Connector = {
  connect(target) {
    try {
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
  const { progress = () => {} } = target
  let isConnected = false
  const reading = sharesReads ? new SharedReading() : undefined
  const socket = openSocket(target, progress, reading)
  socket.once(target.tls === undefined ? 'connect' : 'secureConnect', () => {
    isConnected = true
    progress(undefined)
  })
  const place = nameOf(target)
  return new StreamTransport(socket, {
    reading,
    explain(cause) {
      const what = isConnected ? `the connection to ${place} was lost` : `can't connect to ${place}`
      return new TransportError(`${what}: ${explainFailure(cause)}`, { cause })
    },
  })
}
