import type { Msg } from '@nats-io/nats-core'
import type { BrokerContent, TopicMessage, TopicPosition } from 'twoway/hub'
import { fieldsOf, type HeaderFields } from './header-fields.js'

/** A message of a topic's subject, and its sequence number in the stream. */
export interface Entry {
  readonly sequence: number
  /** The sequence number of the topic's newest entry, as its publisher knew it; 0 if there was none. */
  readonly expected: number
  /** Undefined for a message of another program: it takes a sequence number, and has no position. */
  readonly message: TopicMessage<BrokerContent> | undefined
}

/** An entry that RePublish sent, and the sequence number of its topic's entry before it, 0 if there was none. */
export interface LiveEntry extends Entry {
  readonly previous: number
}

/** The newest message of a topic. */
export interface Head {
  /** Of the newest entry, which may be void or of another program; 0 if there is none. */
  readonly sequence: number
  readonly position: TopicPosition
}

/** The epoch, the offset, the tag and the mark of the predecessor, in one header, as each costs time. */
const place = 'Twoway'
const expectation = 'Nats-Expected-Last-Subject-Sequence'

/**
 * The header fields of the message that follows a head.
 * @param isFirst whether JetStream must compare the head: behind a message of the same burst, it compares that one
 */
export function fieldsAfter({ sequence, position }: Head, tag: string, isFirst: boolean): Record<string, string> {
  const own = { [place]: `${position.epoch} ${position.offset + 1} ${tag} ${position.mark}` }
  return isFirst ? { ...own, [expectation]: String(sequence) } : own
}

/** The entry of a stored message. */
export function readEntry(sequence: number, fields: HeaderFields, data: Uint8Array): Entry {
  const [epoch, digits, tag, previousMark = ''] = fields.get(place)?.split(' ') ?? []
  const offset = Number(digits)
  const content = decode(data)
  if (!epoch || !tag || !Number.isSafeInteger(offset) || offset < 1 || content === undefined) {
    return { sequence, expected: Number.NaN, message: undefined }
  }
  const position = { epoch, offset, mark: markOf(sequence, tag) }
  // A message behind another one of its burst expects that one.
  const expected = Number(fields.get(expectation) ?? sequenceOf(previousMark))
  return { sequence, expected, message: { position, previousMark, content } }
}

/** The entry that RePublish sent; undefined for a message that another program sent to the subject of RePublish. */
export function readLiveEntry(message: Msg): LiveEntry | undefined {
  const fields = fieldsOf(message)
  const sequence = Number(fields.get('Nats-Sequence'))
  if (!isSequence(sequence)) return undefined
  return { ...readEntry(sequence, fields, message.data), previous: Number(fields.get('Nats-Last-Sequence')) }
}

/**
 * The mark of a message: its sequence number, by which it is found again, and the tag of its publish, which tells it
 * from a message that took the number after a restore of the stream.
 */
export function markOf(sequence: number, tag: string): string {
  return `${sequence}-${tag}`
}

/** The sequence number in a mark, which a client may have made up; undefined if there is none. */
export function sequenceOf(mark: string): number | undefined {
  const sequence = Number(/^(\d{1,16})-/.exec(mark)?.[1])
  return isSequence(sequence) ? sequence : undefined
}

function isSequence(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0
}

const textKind = 0x74
const bytesKind = 0x62

/** A content with a first byte that tells text from bytes. */
export function encode(content: BrokerContent): Uint8Array {
  if (typeof content === 'string') {
    const encoded = Buffer.allocUnsafe(Buffer.byteLength(content) + 1)
    encoded[0] = textKind
    encoded.write(content, 1)
    return encoded
  }
  const encoded = Buffer.allocUnsafe(content.length + 1)
  encoded[0] = bytesKind
  encoded.set(content, 1)
  return encoded
}

/** The content of encoded bytes; undefined for bytes that `encode` has not made. */
export function decode(encoded: Uint8Array): BrokerContent | undefined {
  if (encoded[0] === textKind)
    return Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength).toString('utf8', 1)
  // The client's buffer may be used again; the content must not change.
  return encoded[0] === bytesKind ? Uint8Array.from(encoded.subarray(1)) : undefined
}
