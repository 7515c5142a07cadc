import { Buffer } from 'node:buffer'
import type { BrokerContent } from 'twoway/hub'

/** A message with its sender, its number among the messages of that sender, and perhaps the one node that it is for. */
export interface Envelope {
  readonly sender: string
  readonly number: number
  readonly receiver: string | undefined
  /** The message; undefined if it is no JSON. It is parsed at the first call; each call returns the same object. */
  open(): unknown
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The path to bytes within a value, and the number of the bytes. */
type Hole = readonly [path: readonly (string | number)[], length: number]

/**
 * Encodes a message as text, `sender number receiver` and JSON in two lines. A message with bytes in it becomes bytes: the length of
 * the text in four bytes, the text, and the message's bytes one after the other. The text then has the paths at which they
 * stood, so that no value of a user can be taken for them. Throws what JSON.stringify throws.
 */
export function encode(sender: string, number: number, message: unknown, receiver = ''): BrokerContent {
  const parts: Uint8Array[] = []
  const holes: Hole[] = []
  const plain = withoutBytes(message, [], (path, bytes) => {
    parts.push(bytes)
    holes.push([path, bytes.length])
  })
  const head = `${sender} ${number} ${receiver}\n`
  if (parts.length === 0) return head + JSON.stringify(plain)
  const text = encoder.encode(head + JSON.stringify([plain, holes]))
  const length = parts.reduce((sum, part) => sum + part.length, 4 + text.length)
  const encoded = new Uint8Array(length)
  new DataView(encoded.buffer).setUint32(0, text.length)
  encoded.set(text, 4)
  let at = 4 + text.length
  for (const part of parts) {
    encoded.set(part, at)
    at += part.length
  }
  return encoded
}

/** Decodes what `encode` has made. Undefined for anything else. */
export function decode(content: BrokerContent): Envelope | undefined {
  const { text, rest } = typeof content === 'string' ? { text: content, rest: undefined } : split(content)
  const end = text.indexOf('\n')
  const [, sender, number, receiver] = /^(\S+) (\d+) (\S*)$/.exec(text.slice(0, Math.max(0, end))) ?? []
  if (sender === undefined) return undefined
  let opened: { readonly message: unknown } | undefined
  return {
    sender,
    number: Number(number),
    receiver: receiver || undefined,
    open() {
      opened ??= { message: parse(text.slice(end + 1), rest) }
      return opened.message
    },
  }
}

function split(content: Uint8Array): { readonly text: string; readonly rest: Uint8Array } {
  const length = content.length < 4 ? 0 : new DataView(content.buffer, content.byteOffset).getUint32(0)
  return { text: decoder.decode(content.subarray(4, 4 + length)), rest: content.subarray(4 + length) }
}

function parse(json: string, rest: Uint8Array | undefined): unknown {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return undefined
  }
  if (rest === undefined) return value
  const [message, holes] = value as readonly [unknown, readonly Hole[]]
  const root = { message }
  let at = 0
  for (const [path, length] of holes) {
    let parent = root as unknown as Record<string | number, unknown>
    const whole = ['message', ...path]
    for (const key of whole.slice(0, -1)) parent = parent[key] as typeof parent
    // A copy: what a broker gave may be a part of a larger buffer.
    parent[whole.at(-1)!] = Buffer.from(rest.subarray(at, at + length))
    at += length
  }
  return root.message
}

/** The value without bytes, which are reported with their path. The value itself is returned if it has none. */
function withoutBytes(
  value: unknown,
  path: (string | number)[],
  found: (path: readonly (string | number)[], bytes: Uint8Array) => void,
): unknown {
  if (typeof value !== 'object' || value === null) return value
  const bytes = bytesIn(value)
  if (bytes !== undefined) {
    found([...path], bytes)
    return 0
  }
  const { toJSON } = value as { readonly toJSON?: unknown }
  if (typeof toJSON === 'function') return withoutBytes(toJSON.call(value, String(path.at(-1) ?? '')), path, found)
  let copy: Record<string | number, unknown> | undefined
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key]
    if (typeof item !== 'object' || item === null) continue
    path.push(Array.isArray(value) ? Number(key) : key)
    const plain = withoutBytes(item, path, found)
    path.pop()
    if (plain === item) continue
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>
    copy[key] = plain
  }
  return copy ?? value
}

function bytesIn(value: object): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  // An ArrayBuffer of another realm, as of a test runner, is no instance of this one's class.
  return Object.prototype.toString.call(value) === '[object ArrayBuffer]'
    ? new Uint8Array(value as ArrayBuffer)
    : undefined
}
