const getByteLength = getterOf(ArrayBuffer.prototype, 'byteLength')
const getResizable = getterOf(ArrayBuffer.prototype, 'resizable')
const getBlobSize = getterOf(Blob.prototype, 'size')

/** Whether it is a Blob, and not merely an object that inherits from its prototype. */
export function isBlob(data: unknown): data is Blob {
  return data instanceof Blob && answers(getBlobSize, data)
}

/**
 * What WebIDL's BufferSource holds, or undefined for anything else; of whatever realm. A TypeError where the bytes are
 * shared or the buffer can be resized, as neither is allowed without an extended attribute. Nothing where the buffer is
 * detached.
 */
export function bytesOf(data: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(data)) {
    const { buffer, byteOffset, byteLength } = data
    if (!isArrayBuffer(buffer)) throw new TypeError('the bytes to send are shared: send a copy of them')
    refuseResizable(buffer)
    return byteLength === 0 ? new Uint8Array(0) : new Uint8Array(buffer, byteOffset, byteLength)
  }
  // A SharedArrayBuffer of its own is no BufferSource, and becomes a string.
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

/** Whether a getter takes this object: it throws for what is not of its kind. */
function answers(getter: (() => unknown) | undefined, object: object): boolean {
  try {
    getter!.call(object)
    return true
  } catch {
    return false
  }
}
