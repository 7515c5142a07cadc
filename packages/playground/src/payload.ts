/** The number of bytes that the timeline keeps of a message. */
export const keptBytes = 65_536

/** The JavaScript type of a sent message, or of `event.data`. */
export type DataType = 'string' | 'Blob' | 'ArrayBuffer'

/** The types that the page sends, and those of `event.data`. */
export type MessageData = string | Blob | ArrayBuffer

export interface Payload {
  readonly type: DataType
  /** The length of the whole message in bytes, without compression. */
  readonly size: number
  /** The first `keptBytes`; undefined until a Blob is read. */
  readonly head: Uint8Array | undefined
  readonly isWhole: boolean
}

const encoder = new TextEncoder()

function typeOfData(data: MessageData): DataType {
  if (typeof data === 'string') return 'string'
  return data instanceof Blob ? 'Blob' : 'ArrayBuffer'
}

/** The part of a message that the timeline keeps. `readHead` reads the bytes of a Blob. */
export function payloadOf(data: MessageData): Payload {
  if (data instanceof Blob) {
    return { type: 'Blob', size: data.size, head: undefined, isWhole: data.size <= keptBytes }
  }
  const bytes = typeof data === 'string' ? encoder.encode(data) : new Uint8Array(data)
  return {
    type: typeOfData(data),
    size: bytes.length,
    // A copy, so that the rest can be freed.
    head: bytes.length <= keptBytes && typeof data === 'string' ? bytes : bytes.slice(0, keptBytes),
    isWhole: bytes.length <= keptBytes,
  }
}

/** The first bytes of a Blob. */
export async function readHead(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.slice(0, keptBytes).arrayBuffer())
}

/** All bytes of a binary message; undefined for text. */
export async function binaryBytes(data: MessageData): Promise<Uint8Array | undefined> {
  if (typeof data === 'string') return undefined
  return new Uint8Array(data instanceof Blob ? await data.arrayBuffer() : data)
}

/** The number of leading bytes that are the same in both. */
export function equalBytes(one: Uint8Array, other: Uint8Array): number {
  const end = Math.min(one.length, other.length)
  let at = 0
  while (at < end && one[at] === other[at]) at++
  return at
}
