/** The bytes of what `send` takes, without a copy where there can be one. */
export function toBuffer(data: unknown): Buffer {
  if (Buffer.isBuffer(data)) return data
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return Buffer.from(data as ArrayBuffer)
}

/** Whether a value is a Blob of the platform, of another realm or of a package. */
export function isBlob(value: unknown): value is Blob {
  if (typeof value !== 'object' || value === null) return false
  const {
    arrayBuffer,
    stream,
    type,
    [Symbol.toStringTag]: tag,
  } = value as Partial<Blob> & { [Symbol.toStringTag]?: string }
  const isReadable = typeof arrayBuffer === 'function' && typeof stream === 'function' && typeof type === 'string'
  return isReadable && (tag === 'Blob' || tag === 'File')
}

/** A received message in the form of `binaryType`. */
export function inForm(bytes: Buffer, binaryType: string): unknown {
  switch (binaryType) {
    case 'arraybuffer':
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
    case 'fragments':
      return [bytes]
    case 'blob':
      return new Blob([bytes as Buffer<ArrayBuffer>])
    default:
      return bytes
  }
}
