import { UsageError } from '../../core/errors.js'
import { isArrayBuffer, isUint8Array, viewedBytes } from '../../core/value-kinds.js'

/** The bytes of a message that is no string, uncopied. Throws a UsageError for a value that can't be sent. */
export function bytesOf(message: ArrayBuffer | ArrayBufferView): Uint8Array {
  // A Uint8Array with a replaced prototype may lack the methods. `in` would cost more (`npm run bench`, row `binary-64k`).
  if (isUint8Array(message) && message.subarray !== undefined) return message
  if (ArrayBuffer.isView(message)) return viewedBytes(message)
  if (isArrayBuffer(message)) return new Uint8Array(message)
  throw new UsageError(
    'messageTypeInvalid',
    `a message is a string, an ArrayBuffer or a view of one, not ${message === null ? 'null' : `a value of type ${typeof message}`}: turn it into a string, with JSON.stringify for example`,
  )
}
