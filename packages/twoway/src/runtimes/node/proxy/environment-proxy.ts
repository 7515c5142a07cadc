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

/** The variables that name a proxy, in order. Each is read in lower case before upper case. */
const variables = {
  ws: ['ws_proxy', 'http_proxy', 'all_proxy'],
  wss: ['wss_proxy', 'https_proxy', 'all_proxy'],
} as const

/**
 * The proxy that the environment names for a target, as curl reads it (docs/how-to/proxies.md has the table): the first variable
 * that is set and not empty; undefined if NO_PROXY excepts the target. A URL without a scheme is an http URL.
 */
export function environmentProxy(target: ProxiedTarget, environment: Environment): EnvironmentProxy | undefined {
  const isSet = (name: string): boolean => (environment[name] ?? '') !== ''
  // A CGI program gets the request's header field Proxy as HTTP_PROXY (httpoxy, CVE-2016-5385).
  const { REQUEST_METHOD } = environment
  const variable = variables[target.isSecure ? 'wss' : 'ws']
    .flatMap((name) => [name, name.toUpperCase()])
    .find((name) => isSet(name) && !(REQUEST_METHOD !== undefined && name === 'HTTP_PROXY'))
  if (variable === undefined) return undefined
  const exceptions = environment[isSet('no_proxy') ? 'no_proxy' : 'NO_PROXY'] ?? ''
  if (exceptions.split(/[\s,]+/).some((exception) => exception !== '' && excepts(exception, target))) return undefined
  const url = environment[variable]!
  return { variable, url: /^[a-z0-9+.-]+:\/\//i.test(url) ? url : `http://${url}` }
}

/**
 * Whether an entry of NO_PROXY matches a target. An entry is `*`, a name, an IP address, or a network such as 10.0.0.0/8. A
 * name matches its subdomains too, and may have a leading dot or `*.` and a trailing dot. A name or an address may have a port.
 */
function excepts(exception: string, { host, port }: ProxiedTarget): boolean {
  if (exception === '*') return true
  const subnet = /^([0-9a-f.:]+)\/(\d{1,3})$/i.exec(exception)
  if (subnet !== null) return isWithin(host, subnet[1]!, Number(subnet[2]))
  if (isIP(exception) !== 0) return isWithin(host, exception, isIP(exception) === 4 ? 32 : 128)
  const { 1: bracketed, 2: name = bracketed!, 3: onlyPort } = /^(?:\[(.*)\]|(.*?))(?::(\d+))?$/.exec(exception)!
  if (onlyPort !== undefined && Number(onlyPort) !== port) return false
  if (isIP(name) !== 0) return isWithin(host, name, isIP(name) === 4 ? 32 : 128)
  // An address has no subdomains.
  if (isIP(host) !== 0) return false
  const suffix = withoutDot(name.toLowerCase()).replace(/^\*?\./, '')
  return suffix !== '' && `.${withoutDot(host.toLowerCase())}`.endsWith(`.${suffix}`)
}

/** A name without the trailing dot of the root, which has no meaning here. */
function withoutDot(name: string): string {
  return name.replace(/\.$/, '')
}

function isWithin(host: string, network: string, prefix: number): boolean {
  const family = isIP(network)
  if (family === 0 || isIP(host) !== family || prefix > (family === 4 ? 32 : 128)) return false
  const type = family === 4 ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  list.addSubnet(network, prefix, type)
  return list.check(host, type)
}
