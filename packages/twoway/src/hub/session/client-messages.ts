import { shown } from '../../core/printable.js'
import type { ClientMessage } from '../../subprotocol/messages.js'

/** The rule for one field: undefined for a good value, else the words for a good one. */
type Field = (value: unknown) => string | undefined

const text: Field = (value) => (typeof value === 'string' ? undefined : 'a string')
const flag: Field = (value) => (typeof value === 'boolean' ? undefined : 'true or false')
const whole: Field = (value) => (Number.isSafeInteger(value) && Number(value) >= 0 ? undefined : 'a whole number')
const any: Field = () => undefined
const given: Field = (value) => (value === undefined ? 'any value' : undefined)
const yes: Field = (value) => (value === true ? undefined : 'true, or left out')
const position: Field = (value) =>
  Array.isArray(value) &&
  value.length === 3 &&
  typeof value[0] === 'string' &&
  whole(value[1]) === undefined &&
  typeof value[2] === 'string'
    ? undefined
    : 'a position: [epoch, offset, mark]'
const policy: Field = (value) =>
  value === 'catch-up' || value === 'close' || value === 'latest' ? undefined : '"catch-up", "close" or "latest"'

interface Fields {
  readonly needed: Readonly<Record<string, Field>>
  readonly optional: Readonly<Record<string, Field>>
}

const data = { data: any, bin: yes }

/** The messages that a client may send, and their fields: docs/reference/protocol.md. Unknown fields are ignored. */
const fieldsByType: Readonly<Record<ClientMessage['t'], Fields>> = {
  hello: { needed: {}, optional: { token: any } },
  auth: { needed: { id: whole, token: given }, optional: {} },
  sub: {
    needed: { id: whole, topic: text },
    optional: { at: position, last: whole, who: flag, slow: policy, run: flag },
  },
  unsub: { needed: { id: whole, topic: text }, optional: {} },
  pub: {
    needed: { id: whole, topic: text },
    optional: { key: text, traceparent: text, tracestate: text, ...data },
  },
  vol: { needed: { topic: text }, optional: { key: text, ...data } },
  hist: { needed: { id: whole, topic: text }, optional: { at: position, last: whole } },
  who: { needed: { id: whole, topic: text }, optional: {} },
  req: { needed: { id: whole, method: text }, optional: { within: whole, ...data } },
  cancel: { needed: { id: whole }, optional: {} },
  ping: { needed: {}, optional: {} },
}

const byType = new Map(Object.entries(fieldsByType))

/**
 * A message of a client with a wrong field, which is refused alone: it has an id, or is a volatile message, and the end of
 * its data is known.
 */
export interface RefusedMessage {
  readonly t: 'refused'
  readonly id?: number
  readonly topic?: string
  readonly bin?: true
  readonly fault: string
}

/** Reads a text message of a client. Returns the fault as a string if the connection can't go on. */
export function readClientMessage(json: string): ClientMessage | RefusedMessage | string {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return 'a text message must be one JSON object'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'a text message must be one JSON object'
  const message = value as MessageFields
  const type = message.t
  const fields = typeof type === 'string' ? byType.get(type) : undefined
  if (fields === undefined) return `"t" must be one of ${[...byType.keys()].join(', ')}`
  for (const name in fields.needed) {
    const expected = fields.needed[name]!(message[name])
    if (expected !== undefined) return refused(message, name, expected)
  }
  for (const name in fields.optional) {
    if (message[name] === undefined) continue
    const expected = fields.optional[name]!(message[name])
    if (expected !== undefined) return refused(message, name, expected)
  }
  if (message.bin === true && message.data !== undefined) return `a message "${type}" has "data" or "bin", not both`
  return message as unknown as ClientMessage
}

type MessageFields = Readonly<Record<string, unknown>> & {
  readonly t?: unknown
  readonly id?: unknown
  readonly topic?: unknown
  readonly bin?: unknown
  readonly data?: unknown
}

function refused(message: MessageFields, name: string, expected: string): RefusedMessage | string {
  const { t, id, topic, bin, data } = message
  const fault = `"${name}" of a message "${t}" must be ${expected}, not ${shown(message[name])}`
  const isWhole = bin === undefined || (bin === true && data === undefined)
  if (!isWhole || (t === 'vol' ? text(topic) : whole(id)) !== undefined) return fault
  return {
    t: 'refused',
    ...(t === 'vol' ? { topic: topic as string } : { id: id as number }),
    ...(bin === true && { bin }),
    fault,
  }
}
