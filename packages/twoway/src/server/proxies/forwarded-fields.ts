import { isToken, splitList, trimSpace } from '../../core/http/field-syntax.js'
import type { HeaderFields } from '../../core/http/header-fields.js'
import { formatAddress, parseAddress } from '../../core/proxy-protocol/ip-address.js'

/** The part of a request that one proxy reports. */
export interface ForwardedHop {
  /** The address of the proxy's own peer; 'hidden' if the proxy does not know or tell it, undefined if it names no peer. */
  readonly address: string | undefined
  readonly proto: string | undefined
  readonly host: string | undefined
}

/** The reports of the proxies, the one nearest to the client first. */
export type ForwardedHops = readonly ForwardedHop[]

/** The most proxies whose reports are read. */
const mostHops = 64

const decimalPort = /^\d{1,5}$/
const portOfNode = /^(?:\d{1,5}|_[\w.-]+)$/

/**
 * Reads Forwarded, RFC 7239 §4. Undefined if there is none; 'malformed' if its elements can't be told apart: in a quoted
 * text that a client left open, a proxy's own element would be a part of the client's.
 */
export function readForwarded(headers: HeaderFields): ForwardedHops | 'malformed' | undefined {
  const value = headers.get('forwarded')
  if (value === undefined) return undefined
  const hops: ForwardedHop[] = []
  for (let at = 0; at <= value.length; ) {
    const element = readElement(value, at)
    if (element === undefined || hops.length === mostHops) return 'malformed'
    if (element.hop !== undefined) hops.push(element.hop)
    at = element.end + 1
  }
  return hops
}

const pair = /[ \t]*([^=;,"\s]+)=(?:"((?:[^"\\]|\\.)*)"|([^;,"\s]*))[ \t]*/y

/** One element of Forwarded, from `at` to its comma. It has no hop if it is empty, RFC 9110 §5.6.1.2. */
function readElement(value: string, at: number): { readonly hop?: ForwardedHop; readonly end: number } | undefined {
  const found = new Map<string, string>()
  let end = at
  for (;;) {
    pair.lastIndex = end
    const match = pair.exec(value)
    if (match !== null) {
      const name = match[1]!.toLowerCase()
      const text = match[2]?.replace(/\\(.)/g, '$1') ?? match[3]!
      // Each parameter occurs once, RFC 7239 §4.
      if (!isToken(name) || (match[2] === undefined && !isToken(text)) || found.has(name)) return undefined
      found.set(name, text)
      end = pair.lastIndex
    } else {
      while (value[end] === ' ' || value[end] === '\t') end += 1
    }
    if (end < value.length && value[end] !== ',' && value[end] !== ';') return undefined
    if (value[end] !== ';') break
    end += 1
  }
  if (found.size === 0) return { end }
  return { end, hop: { address: addressOf(found.get('for')), proto: found.get('proto'), host: found.get('host') } }
}

/** Reads X-Forwarded-For, -Proto, -Host and -Port. Undefined if there is none of them. */
export function readXForwarded(headers: HeaderFields): ForwardedHops | 'malformed' | undefined {
  const [addresses, protos, hosts, ports] = ['for', 'proto', 'host', 'port'].map((name) => {
    const value = headers.get(`x-forwarded-${name}`)
    return value === undefined ? [] : splitList(value)
  }) as [string[], string[], string[], string[]]
  const length = Math.max(addresses.length, protos.length > 0 || hosts.length > 0 || ports.length > 0 ? 1 : 0)
  if (length > mostHops) return 'malformed'
  const ownHost = headers.get('host')
  const isPresent = ['for', 'proto', 'host', 'port'].some((name) => headers.has(`x-forwarded-${name}`))
  if (!isPresent) return undefined
  return Array.from({ length }, (_, index) => {
    // Some proxies add to these lists, others replace them by one value.
    const fromRight = length - 1 - index
    const of = (list: readonly string[]) => list[list.length - 1 - Math.min(fromRight, list.length - 1)]
    const proto = of(protos)
    return { address: addressOf(addresses[index]), proto, host: withPort(of(hosts) ?? ownHost, of(ports), proto) }
  })
}

/** The address of a node: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`. 'hidden' for all else, such as `unknown` and `_gateway`, RFC 7239 §6. */
function addressOf(node: string | undefined): string | undefined {
  if (node === undefined) return undefined
  const text = trimSpace(node)
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text)
  const [, name, port] = bracketed ?? /^([^:]*):([^:]*)$/.exec(text) ?? ['', text]
  if (port !== undefined && !portOfNode.test(port)) return 'hidden'
  if (bracketed !== null && !name!.includes(':')) return 'hidden'
  const address = parseAddress(name!)
  return address === undefined ? 'hidden' : formatAddress(address)
}

/** A host as the client wrote it. X-Forwarded-Port adds the port that a proxy has left out. */
function withPort(host: string | undefined, port: string | undefined, proto: string | undefined): string | undefined {
  if (host === undefined || port === undefined || !decimalPort.test(port) || /:\d*$/.test(host)) return host
  const isDefault = proto === undefined ? port === '80' || port === '443' : port === defaultPortOf(proto)
  return isDefault ? host : `${host}:${port}`
}

function defaultPortOf(proto: string): string {
  return isSecure(proto) ? '443' : '80'
}

/** Whether the scheme of a request is one over TLS. */
export function isSecure(proto: string): boolean {
  return /^(?:https|wss)$/i.test(proto)
}
