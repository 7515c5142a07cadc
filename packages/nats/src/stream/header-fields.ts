import { headers, type Msg, type MsgHdrs } from '@nats-io/nats-core'

/** The header fields of a message. */
export interface HeaderFields {
  get(name: string): string | undefined
}

const version = 'NATS/1.0'
const none: HeaderFields = { get: () => undefined }

/**
 * Header fields for a publish. The client checks and copies each field, and encodes them for each message: most of the time of a
 * publish. These are encoded at once, where the client would encode them in the same way.
 * @param fields names in the form of the client, and values without line breaks
 */
export function headersOf(fields: Readonly<Record<string, string>>): MsgHdrs {
  return encodesAlike ? encodedHeaders(fields) : checkedHeaders(fields)
}

function checkedHeaders(fields: Readonly<Record<string, string>>): MsgHdrs {
  const made = headers()
  for (const [name, value] of Object.entries(fields)) made.append(name, value)
  return made
}

function encodedHeaders(fields: Readonly<Record<string, string>>): MsgHdrs {
  let text = version
  for (const name in fields) text += `\r\n${name}: ${fields[name]}`
  return new EncodedHeaders(`${text}\r\n\r\n`) as unknown as MsgHdrs
}

class EncodedHeaders {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  encode(): Uint8Array {
    return Buffer.from(this.#text)
  }
}
// The client's class makes a map for each message. One of it has all methods that the client may call.
Object.setPrototypeOf(EncodedHeaders.prototype, headers())

const encodesAlike = ((): boolean => {
  const encoded = (made: MsgHdrs): string | undefined => {
    const { encode } = made as { encode?(): Uint8Array }
    return typeof encode === 'function' ? Buffer.from(encode.call(made)).toString() : undefined
  }
  const sample = { Twoway: 'a 1 b', 'Nats-Msg-Id': '-_.' }
  return encoded(checkedHeaders(sample)) === encoded(encodedHeaders(sample))
})()

/**
 * The header fields of a message of the client. The client makes a map and checks each name, and throws for a name that a server
 * takes from another program. The bytes of the header lie before those of the data.
 */
export function fieldsOf(message: Msg): HeaderFields {
  const { data, subject, reply = '' } = message
  // The client's type does not show the size of the whole message.
  const size = (message as { size?(): number }).size?.() ?? Number.NaN
  const length = size - data.length - Buffer.byteLength(subject) - Buffer.byteLength(reply)
  if (length === 0) return none
  if (length > 0 && length <= data.byteOffset) {
    const text = Buffer.from(data.buffer, data.byteOffset - length, length).toString('utf8')
    if (text.startsWith(version) && text.endsWith('\r\n\r\n')) return parseHeaders(text)
  }
  try {
    const { headers } = message
    return headers ? { get: (name) => headers.get(name) } : none
  } catch {
    return none
  }
}

/** The header fields in the text of a header. */
export function parseHeaders(text: string): HeaderFields {
  return {
    get(name) {
      const start = text.indexOf(`\r\n${name}:`)
      if (start < 0) return undefined
      const from = start + name.length + 3
      return text.slice(from, text.indexOf('\r\n', from)).trim()
    },
  }
}
