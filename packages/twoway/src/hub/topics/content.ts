import { isUint8Array } from '../../core/value-kinds.js'
import type { BrokerContent } from '../../ports/broker/broker.js'
import type { Json } from '../../subprotocol/messages.js'
import { HubError } from '../hub-error.js'
import { type TraceContext, traceMembers, traceOfMembers, withoutTrace } from '../observing/trace-context.js'

/** The members of a message beside its data. */
export interface Heading {
  /** The user who published it; undefined for the server. */
  readonly from?: string | undefined
  readonly key?: string | undefined
}

/** Characters (UTF-16 code units) of a key: brokers remember keys, and each subscriber gets them. */
const longestKey = 255
/** The length of a heading takes two bytes. */
const longestHeading = 0xffff

/** Throws a HubError for a key that is too long. */
export function checkKey(key: string | undefined): void {
  if (key === undefined || key.length <= longestKey) return
  throw new HubError('invalid', `a key has at most ${longestKey} characters, not ${key.length}`)
}

/**
 * A message as it lies in the broker: its heading with the data. Text is one JSON object, which is never empty. Throws a
 * HubError for data that JSON does not have, and for the name of a user that is too long.
 */
export function encodeContent({ from, key }: Heading, data: Json | Uint8Array): BrokerContent {
  if (isUint8Array(data)) return joinBytes(JSON.stringify({ from, key }), data)
  // JSON.stringify leaves such a member out.
  if (data === undefined || typeof data === 'function' || typeof data === 'symbol') throw noJson(typeof data)
  try {
    return JSON.stringify({ from, key, data })
  } catch (error) {
    throw noJson('nested too deeply, or hold what JSON does not have', error)
  }
}

/**
 * The members of a message's JSON object without its braces, and the bytes that follow. A trace context is left out: clients
 * do not get it.
 */
export function splitContent(content: BrokerContent): { readonly members: string; readonly body?: Uint8Array } {
  if (typeof content === 'string') return { members: withoutTrace(content.slice(1, -1)) }
  const heading = withoutTrace(headingOf(content))
  const members = heading === '' ? '"bin":true' : `${heading},"bin":true`
  return { members, body: content.subarray(endOfHeading(content)) }
}

/**
 * The data of a message and its user, if it has one, as elements of a JSON array. Undefined for bytes, and for a message that
 * another program has written with its members in another order.
 */
export function elementsOf(content: BrokerContent): string | undefined {
  if (typeof content !== 'string') return undefined
  const found = /^(?:"from":("(?:[^"\\]|\\.)*"),)?"data":(.*)$/s.exec(splitContent(content).members)
  if (found === null) return undefined
  const { 1: from, 2: data } = found
  if (!isJson(data!)) return undefined
  return from === undefined ? data : `${data},${from}`
}

/** A message that carries a trace context. One whose user has a name of tens of kilobytes has no room for it. */
export function withTrace(content: BrokerContent, context: TraceContext): BrokerContent {
  const trace = traceMembers(context)
  if (trace === '') return content
  if (typeof content === 'string') return `{${trace},${content.slice(1)}`
  const heading = headingOf(content)
  const traced = heading === '' ? trace : `${trace},${heading}`
  if (traced.length + 2 > longestHeading) return content
  return joinBytes(`{${traced}}`, content.subarray(endOfHeading(content)))
}

/** The trace context that a message carries; undefined if it carries none. */
export function traceOf(content: BrokerContent): TraceContext | undefined {
  return traceOfMembers(typeof content === 'string' ? content.slice(1) : headingOf(content))
}

/** The heading and the data of a message as it lies in the broker. */
export function decodeContent(content: BrokerContent): Heading & { readonly data: Json | Uint8Array } {
  if (typeof content === 'string') return { data: null, ...(JSON.parse(content) as Heading & { readonly data?: Json }) }
  const { members, body } = splitContent(content)
  const { from, key } = JSON.parse(`{${members}}`) as Heading
  return { from, key, data: body! }
}

/** The members of the JSON object before bytes, without its braces. */
function headingOf(content: Uint8Array): string {
  return String.fromCharCode(...content.subarray(3, endOfHeading(content) - 1))
}

function endOfHeading(content: Uint8Array): number {
  return 2 + content[0]! * 256 + content[1]!
}

/**
 * Whether a message of the broker has the form of `encodeContent`. Another program may have written it, and its text goes
 * into the messages to clients as it is.
 */
export function isContent(content: BrokerContent): boolean {
  if (typeof content === 'string') return isHeading(content, true)
  if (content.length < 2) return false
  const end = endOfHeading(content)
  const heading = content.subarray(2, end)
  return (
    end <= content.length && heading.every((byte) => byte < 0x80) && isHeading(String.fromCharCode(...heading), false)
  )
}

/** Whether a text is a JSON object, without spaces around it, of the members that a message may have after its trace. */
function isHeading(json: string, hasData: boolean): boolean {
  if (json[0] !== '{' || json.at(-1) !== '}') return false
  const members = json.slice(1, -1)
  const untraced = withoutTrace(members)
  try {
    const heading = JSON.parse(untraced === members ? json : `{${untraced}}`) as Record<string, unknown>
    for (const name of Object.keys(heading)) {
      if (name !== 'data' && !(isMember(name) && typeof heading[name] === 'string')) return false
    }
    return Object.hasOwn(heading, 'data') === hasData
  } catch {
    return false
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const isMember = (name: string): boolean => name === 'from' || name === 'key'

/** Two bytes with the length of the heading, the heading in ASCII, and the data. */
function joinBytes(json: string, data: Uint8Array): Uint8Array {
  const heading = json.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  if (heading.length > longestHeading) {
    throw new HubError('invalid', `the name of the user takes ${heading.length} bytes; at most ${longestHeading} fit`)
  }
  const bytes = new Uint8Array(2 + heading.length + data.length)
  bytes[0] = heading.length >> 8
  bytes[1] = heading.length & 0xff
  for (let at = 0; at < heading.length; at += 1) bytes[2 + at] = heading.charCodeAt(at)
  bytes.set(data, 2 + heading.length)
  return bytes
}

function noJson(fault: string, cause?: unknown): HubError {
  const which = cause === undefined ? `a value of type ${fault}` : `they are ${fault}`
  return new HubError('invalid', `the data can't be written as JSON: ${which}`, { cause })
}
