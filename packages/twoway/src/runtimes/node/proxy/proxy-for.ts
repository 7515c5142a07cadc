import type { ConnectTarget } from '../../../ports/connector.js'
import { type Environment, environmentProxy } from './environment-proxy.js'
import { type ProxyAddress, readProxyAddress } from './proxy-address.js'

/** Whether a target has a proxy, or a setting that is no proxy's URL. */
export function mayUseProxy(target: ConnectTarget, environment: Environment): boolean {
  try {
    return proxyFor(target, environment) !== undefined
  } catch {
    return true
  }
}

/** The proxy for a target; undefined for none. Throws a TransportError if the option or the variable is not a proxy's URL. */
export function proxyFor(target: ConnectTarget, environment: Environment): ProxyAddress | undefined {
  const { proxy, socketPath, host, port, tls } = target
  if (proxy === undefined || socketPath !== undefined) return undefined
  if (proxy.url !== 'env') return readProxyAddress(proxy.url, 'the option proxy')
  const found = environmentProxy({ host, port, isSecure: tls !== undefined }, environment)
  return found === undefined ? undefined : readProxyAddress(found.url, `the environment variable ${found.variable}`)
}
