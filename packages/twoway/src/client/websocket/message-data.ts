const getByteLength = getterOf(ArrayBuffer.prototype, 'byteLength')
const getResizable = getterOf(ArrayBuffer.prototype, 'resizable')
const getBlobSize = getterOf(Blob.prototype, 'size')

/** Whether a value is a Blob, not only an object that inherits from its prototype. */
export function isBlob(data: unknown): data is Blob {
  return data instanceof Blob && answers(getBlobSize, data)
}

/**
 * The bytes of a WebIDL BufferSource of any realm, or undefined for any other value. Throws a TypeError if the bytes are
 * shared or the buffer can be resized, as WebIDL allows neither without an extended attribute. A detached buffer has no
 * bytes.
 */
export function bytesOf(data: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(data)) {
    const { buffer, byteOffset, byteLength } = data
    if (!isArrayBuffer(buffer)) throw new TypeError('the bytes to send are shared: send a copy of them')
    refuseResizable(buffer)
    return byteLength === 0 ? new Uint8Array(0) : new Uint8Array(buffer, byteOffset, byteLength)
  }
  // A SharedArrayBuffer itself is no BufferSource, and becomes a string.
  if (!isArrayBuffer(data)) return undefined
  refuseResizable(data)
  return getByteLength!.call(data) === 0 ? new Uint8Array(0) : new Uint8Array(data)
}

function isArrayBuffer(data: unknown): data is ArrayBuffer {
  return data instanceof ArrayBuffer || (typeof data === 'object' && data !== null && answers(getByteLength, data))
}

function refuseResizable(buffer: ArrayBuffer): void {
  if (getResizable?.call(buffer) === true) {
    throw new TypeError('the bytes to send are in a buffer that can be resized: send a copy of them')
  }
}

function getterOf(prototype: object, name: string): (() => unknown) | undefined {
  return Object.getOwnPropertyDescriptor(prototype, name)?.get
}

/** Whether a getter accepts this object: it throws for objects of another kind. */
function answers(getter: (() => unknown) | undefined, object: object): boolean {
  try {
    getter!.call(object)
    return true
  } catch {
    return false
  }
}
