import { BlockList, isIP } from 'node:net'

export type Environment = Readonly<Record<string, string | undefined>>

export interface EnvironmentProxy {
  /** The variable that names it. */
  readonly variable: string
  readonly url: string
}

export interface ProxiedTarget {
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
}

/**
 * The proxy that the environment names for a target, as curl and most tools read it: HTTPS_PROXY for wss, HTTP_PROXY
 * for ws, in either case, the lower one first; none where NO_PROXY excepts the target. A URL without scheme is http's.
 */
export function environmentProxy(target: ProxiedTarget, environment: Environment): EnvironmentProxy | undefined {
  const { REQUEST_METHOD, NO_PROXY, no_proxy: exceptions = NO_PROXY ?? '' } = environment
  const name = target.isSecure ? 'https_proxy' : 'http_proxy'
  // A CGI program gets the request's header field Proxy as HTTP_PROXY (httpoxy, CVE-2016-5385).
  const isCgi = !target.isSecure && REQUEST_METHOD !== undefined
  const variables = isCgi ? [name] : [name, name.toUpperCase()]
  const variable = variables.find((candidate) => (environment[candidate] ?? '') !== '')
  if (variable === undefined) return undefined
  if (exceptions.split(/[\s,]+/).some((exception) => exception !== '' && excepts(exception, target))) return undefined
  const url = environment[variable]!
  return { variable, url: /^[a-z0-9+.-]+:\/\//i.test(url) ? url : `http://${url}` }
}

/**
 * Whether an entry of NO_PROXY fits a target: `*`; a name, which its subdomains fit as well, with or without a dot or
 * `*.` before it; an IP address, also as a network such as 10.0.0.0/8; each but `*` and a network with or without a port.
 */
function excepts(exception: string, { host, port }: ProxiedTarget): boolean {
  if (exception === '*') return true
  const subnet = /^([0-9a-f.:]+)\/(\d{1,3})$/i.exec(exception)
  if (subnet !== null) return isWithin(host, subnet[1]!, Number(subnet[2]))
  if (isIP(exception) !== 0) return isWithin(host, exception, isIP(exception) === 4 ? 32 : 128)
  const [, bracketed, name = bracketed!, onlyPort] = /^(?:\[(.*)\]|(.*?))(?::(\d+))?$/.exec(exception)!
  if (onlyPort !== undefined && Number(onlyPort) !== port) return false
  if (isIP(name) !== 0) return isWithin(host, name, isIP(name) === 4 ? 32 : 128)
  // An address has no subdomains.
  if (isIP(host) !== 0) return false
  const suffix = name.toLowerCase().replace(/^\*?\./, '')
  return suffix !== '' && `.${host.toLowerCase()}`.endsWith(`.${suffix}`)
}

function isWithin(host: string, network: string, prefix: number): boolean {
  const family = isIP(network)
  if (family === 0 || isIP(host) !== family || prefix > (family === 4 ? 32 : 128)) return false
  const type = family === 4 ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  list.addSubnet(network, prefix, type)
  return list.check(host, type)
}
