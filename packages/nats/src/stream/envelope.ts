import type { Msg } from '@nats-io/nats-core'
import type { BrokerContent, TopicMessage, TopicPosition } from 'twoway/hub'
import { fieldsOf, type HeaderFields } from './header-fields.js'

/** An entry of a topic's subject: messages that were stored together, and their sequence number in the stream. */
export interface Entry {
  readonly sequence: number
  /** The sequence number of the topic's newest entry, as its publisher knew it; 0 if there was none. */
  readonly expected: number
  /** In their order. Empty for an entry of another program: it takes a sequence number, and has no position. */
  readonly messages: readonly TopicMessage<BrokerContent>[]
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

/** The epoch, the offset of the first message, the tag and the mark of its predecessor, in one header, as each costs time. */
const place = 'Twoway'
const expectation = 'Nats-Expected-Last-Subject-Sequence'

/**
 * The header fields of the entry that follows a head.
 * @param isFirst whether JetStream must compare the head: behind a message of the same burst, it compares that one
 */
export function fieldsAfter({ sequence, position }: Head, tag: string, isFirst: boolean): Record<string, string> {
  const own = { [place]: `${position.epoch} ${position.offset + 1} ${tag} ${position.mark}` }
  return isFirst ? { ...own, [expectation]: String(sequence) } : own
}

/** Reads an entry. */
export function readEntry(sequence: number, fields: HeaderFields, data: Uint8Array): Entry {
  const [epoch, digits, tag, previousMark = ''] = fields.get(place)?.split(' ') ?? []
  const offset = Number(digits)
  const contents = decodeEntry(data)
  if (!epoch || !tag || !Number.isSafeInteger(offset + contents.length) || offset < 1 || contents.length === 0) {
    return { sequence, expected: Number.NaN, messages: [] }
  }
  const positions = positionsOf(sequence, tag, { epoch, offset, count: contents.length })
  const messages = positions.map((position, index) => ({
    position,
    previousMark: index === 0 ? previousMark : positions[index - 1]!.mark,
    content: contents[index]!,
  }))
  // An entry behind another one of its burst expects that one.
  const expected = Number(fields.get(expectation) ?? sequenceOf(previousMark))
  return { sequence, expected, messages }
}

/** The entry that RePublish sent; undefined for a message that another program sent to the subject of RePublish. */
export function readLiveEntry(message: Msg): LiveEntry | undefined {
  const fields = fieldsOf(message)
  const sequence = Number(fields.get('Nats-Sequence'))
  if (!isSequence(sequence)) return undefined
  return { ...readEntry(sequence, fields, message.data), previous: Number(fields.get('Nats-Last-Sequence')) }
}

/**
 * The positions of the messages of an entry. A mark has the sequence number, by which the entry is found again, and the tag of its
 * publish, which tells it from an entry that took the number after a restore of the stream. The last message has this mark; the
 * ones before it have their index besides.
 */
export function positionsOf(
  sequence: number,
  tag: string,
  { epoch, offset, count }: { readonly epoch: string; readonly offset: number; readonly count: number },
): TopicPosition[] {
  const mark = `${sequence}-${tag}`
  const positions: TopicPosition[] = []
  for (let index = 0; index < count - 1; index += 1) {
    positions.push({ epoch, offset: offset + index, mark: `${mark}.${index}` })
  }
  positions.push({ epoch, offset: offset + count - 1, mark })
  return positions
}

/** The sequence number in a mark, which a client may have made up; undefined if there is none. */
export function sequenceOf(mark: string): number | undefined {
  const sequence = Number(/^(\d{1,16})-/.exec(mark)?.[1])
  return isSequence(sequence) ? sequence : undefined
}

/** The sequence number after which the entries stand that a mark's owner lacks. Behind an index, the rest of its entry is one of them. */
export function sequenceBefore(mark: string): number | undefined {
  const sequence = sequenceOf(mark)
  return sequence !== undefined && mark.includes('.') ? sequence - 1 : sequence
}

function isSequence(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0
}

const textKind = 0x74
const bytesKind = 0x62
const togetherKind = 0x6d

/** The most messages of an entry, and bytes of them. A longer message has an entry of its own. */
export const mostTogether = { count: 64, bytes: 64 << 10 }
/** The length of a message, before each one of an entry that has several. */
const lengthBytes = 4

/** Bytes that a content takes in an entry, with its length. */
export function bytesTogether(content: BrokerContent): number {
  return lengthBytes + encodedLength(content)
}

function encodedLength(content: BrokerContent): number {
  return 1 + (typeof content === 'string' ? Buffer.byteLength(content) : content.length)
}

/** A content with a first byte that tells text from bytes. */
export function encode(content: BrokerContent): Uint8Array {
  const encoded = Buffer.allocUnsafe(encodedLength(content))
  write(content, encoded, 0)
  return encoded
}

/** The contents of an entry: one as `encode` has it, or several, each behind its length. */
export function encodeEntry(contents: readonly BrokerContent[]): Uint8Array {
  if (contents.length === 1) return encode(contents[0]!)
  const encoded = Buffer.allocUnsafe(contents.reduce((bytes, content) => bytes + bytesTogether(content), 1))
  encoded[0] = togetherKind
  let at = 1
  for (const content of contents) {
    const start = at + lengthBytes
    const end = write(content, encoded, start)
    encoded.writeUInt32BE(end - start, at)
    at = end
  }
  return encoded
}

/** Returns the end of the written bytes. */
function write(content: BrokerContent, encoded: Buffer, at: number): number {
  if (typeof content === 'string') {
    encoded[at] = textKind
    return at + 1 + encoded.write(content, at + 1)
  }
  encoded[at] = bytesKind
  encoded.set(content, at + 1)
  return at + 1 + content.length
}

/** The content of encoded bytes; undefined for bytes that `encode` has not made. */
export function decode(encoded: Uint8Array): BrokerContent | undefined {
  return read(Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength), 0, encoded.length)
}

/** The contents of an entry; empty for bytes that `encodeEntry` has not made. */
export function decodeEntry(encoded: Uint8Array): BrokerContent[] {
  const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength)
  if (bytes[0] !== togetherKind) {
    const content = read(bytes, 0, bytes.length)
    return content === undefined ? [] : [content]
  }
  const contents: BrokerContent[] = []
  for (let at = 1; at < bytes.length; ) {
    const start = at + lengthBytes
    // Another program may have made up a million empty messages.
    if (start > bytes.length || contents.length === mostTogether.count) return []
    at = start + bytes.readUInt32BE(at)
    const content = at > bytes.length ? undefined : read(bytes, start, at)
    if (content === undefined) return []
    contents.push(content)
  }
  return contents
}

function read(bytes: Buffer, start: number, end: number): BrokerContent | undefined {
  if (start === end) return undefined
  if (bytes[start] === textKind) return bytes.toString('utf8', start + 1, end)
  // The client's buffer may be used again; the content must not change.
  return bytes[start] === bytesKind ? Uint8Array.from(bytes.subarray(start + 1, end)) : undefined
}
