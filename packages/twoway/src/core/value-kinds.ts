/*
 * The kind of a value by its internal slots. `instanceof` tells the realm of a value's constructor as well: in the sandbox of
 * a test runner, or for a value from one, it answers no.
 */

const tagOf = getterOf(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
const partsOfArray = partsOf(Object.getPrototypeOf(Uint8Array.prototype))
const partsOfDataView = partsOf(DataView.prototype)
const getByteLength = getterOf(ArrayBuffer.prototype, 'byteLength')

/** Whether a value is a Uint8Array of any realm, such as a Buffer of Node. */
export function isUint8Array(value: unknown): value is Uint8Array {
  return tagOf.call(value) === 'Uint8Array'
}

export function isInt32Array(value: unknown): value is Int32Array {
  return tagOf.call(value) === 'Int32Array'
}

export function isUint32Array(value: unknown): value is Uint32Array {
  return tagOf.call(value) === 'Uint32Array'
}

/** Whether a value is an ArrayBuffer of any realm. A SharedArrayBuffer is none. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  if (typeof value !== 'object' || value === null) return false
  try {
    getByteLength.call(value)
    return true
  } catch {
    return false
  }
}

/** The bytes of a view of any realm, uncopied, also if its prototype has been replaced. */
export function viewedBytes(view: ArrayBufferView): Uint8Array {
  const { buffer, byteOffset, byteLength } = tagOf.call(view) === undefined ? partsOfDataView : partsOfArray
  return new Uint8Array(
    buffer.call(view) as ArrayBuffer,
    byteOffset.call(view) as number,
    byteLength.call(view) as number,
  )
}

/** The buffer of a view of any realm. */
export function bufferOf(view: ArrayBufferView): ArrayBufferLike {
  const { buffer } = tagOf.call(view) === undefined ? partsOfDataView : partsOfArray
  return buffer.call(view) as ArrayBufferLike
}

/** The bytes of an ArrayBuffer of any realm: an own property of that name does not count. */
export function byteLengthOf(buffer: ArrayBuffer): number {
  return getByteLength.call(buffer) as number
}

/** Whether a value is an Error of any realm, or an object with the members of one, as a DOMException is. */
export function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null) return false
  if (Object.prototype.toString.call(value) === '[object Error]') return true
  const { name, message } = value as Partial<Error>
  return typeof name === 'string' && typeof message === 'string' && 'stack' in value
}

function getterOf(prototype: object, name: PropertyKey): (this: unknown) => unknown {
  return Object.getOwnPropertyDescriptor(prototype, name)!.get!
}

function partsOf(
  prototype: object,
): Readonly<Record<'buffer' | 'byteOffset' | 'byteLength', (this: unknown) => unknown>> {
  return {
    buffer: getterOf(prototype, 'buffer'),
    byteOffset: getterOf(prototype, 'byteOffset'),
    byteLength: getterOf(prototype, 'byteLength'),
  }
}
