import { bufferOf, byteLengthOf, isArrayBuffer, viewedBytes } from '../../core/value-kinds.js'
import * as platform from '../platform.js'

const getResizable = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'resizable')?.get

/** Whether a value is a Blob of any realm, not only an object that inherits from its prototype. */
export function isBlob(data: unknown): data is Blob {
  return sizeOfBlob(data) !== undefined
}

/**
 * The bytes of a Blob, or undefined for any other value. Asks the getter of the Blob's own realm, which throws for an object
 * without a Blob's slots.
 */
export function sizeOfBlob(data: unknown): number | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  const tag: unknown = (data as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]
  if (tag !== 'Blob' && tag !== 'File') return undefined
  const getSize = accessorOf(data, 'size')
  try {
    const size = getSize?.call(data)
    return typeof size === 'number' ? size : undefined
  } catch {
    return undefined
  }
}

/** The content of a Blob. jsdom's Blobs have no method for it, only a class that reads them. */
export async function readBlob(blob: Blob): Promise<Uint8Array> {
  if (typeof blob.arrayBuffer === 'function') return new Uint8Array(await blob.arrayBuffer())
  return new Promise((resolve, reject) => {
    const reader = new platform.FileReader()
    reader.onload = () => resolve(new Uint8Array(reader.result as ArrayBuffer))
    reader.onerror = () => reject(reader.error)
    reader.readAsArrayBuffer(blob)
  })
}

/**
 * The bytes of a WebIDL BufferSource of any realm, or undefined for any other value. Throws a TypeError if the bytes are
 * shared or the buffer can be resized, as WebIDL allows neither without an extended attribute. A detached buffer has no
 * bytes.
 */
export function bytesOf(data: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(data)) {
    const buffer = bufferOf(data)
    if (!isArrayBuffer(buffer)) throw new TypeError('the bytes to send are shared: send a copy of them')
    refuseResizable(buffer)
    return byteLengthOf(buffer) === 0 ? new Uint8Array(0) : viewedBytes(data)
  }
  // A SharedArrayBuffer itself is no BufferSource, and becomes a string.
  if (!isArrayBuffer(data)) return undefined
  refuseResizable(data)
  return byteLengthOf(data) === 0 ? new Uint8Array(0) : new Uint8Array(data)
}

function refuseResizable(buffer: ArrayBuffer): void {
  if (getResizable?.call(buffer) === true) {
    throw new TypeError('the bytes to send are in a buffer that can be resized: send a copy of them')
  }
}

/** The getter of a property on an object's chain of prototypes. */
function accessorOf(object: object, name: string): (() => unknown) | undefined {
  for (let link: object | null = Object.getPrototypeOf(object); link !== null; link = Object.getPrototypeOf(link)) {
    const descriptor = Object.getOwnPropertyDescriptor(link, name)
    if (descriptor !== undefined) return descriptor.get
  }
  return undefined
}
