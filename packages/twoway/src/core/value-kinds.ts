/*
 * The kind of a value by its internal slots. `instanceof` tells the realm of a value's constructor as well: in the sandbox of
 * a test runner, or for a value from one, it answers no.
 */

const tagOf = getterOf(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
const getByteLength = getterOf(ArrayBuffer.prototype, 'byteLength')

/** Whether a value is a Uint8Array of any realm, such as a Buffer of Node. */
export function isUint8Array(value: unknown): value is Uint8Array {
  return tagOf.call(value) === 'Uint8Array'
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
