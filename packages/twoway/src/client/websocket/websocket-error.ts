import { longestCloseReason } from '../../core/closing/close-payload.js'
import * as platform from '../platform.js'
import type {
  WebSocketCloseInfo,
  WebSocketErrorConstructor,
  WebSocketError as WebSocketErrorInterface,
} from '../stream/websocket-stream-types.js'
import { shapeAsInterface } from './interface-shape.js'

let setStatus: (error: WebSocketErrorClass, closeCode: number, reason: string) => void

class WebSocketErrorClass extends platform.DOMException {
  #closeCode: number | null
  #reason: string

  static {
    setStatus = (error, closeCode, reason) => {
      error.#closeCode = closeCode
      error.#reason = reason
    }
  }

  constructor(message = '', init: WebSocketCloseInfo = {}) {
    super(message, 'WebSocketError')
    const { code, reason } = checkCloseInfo(init)
    this.#closeCode = code ?? null
    this.#reason = reason
  }

  get closeCode(): number | null {
    return this.#closeCode
  }

  get reason(): string {
    return this.#reason
  }
}

Object.defineProperty(WebSocketErrorClass, 'name', { value: 'WebSocketError' })
shapeAsInterface(WebSocketErrorClass)
// For JSON, which has nothing of a DOMException. No member of the interface, so it can't be enumerated.
Object.defineProperty(WebSocketErrorClass.prototype, 'toJSON', {
  value(this: WebSocketErrorClass) {
    const { name, message, closeCode, reason, cause } = this
    return { name, message, closeCode, reason, cause }
  },
  configurable: true,
  writable: true,
})

/** The proposal's WebSocketError: a DOMException with the code and reason of a Close. */
export const WebSocketError = WebSocketErrorClass as unknown as WebSocketErrorConstructor
export interface WebSocketError extends WebSocketErrorInterface {}

/** Whether a value is a WebSocketError: ours, the platform's, or that of another realm. */
export function isWebSocketError(value: unknown): value is WebSocketErrorInterface {
  return Object.prototype.toString.call(value) === '[object WebSocketError]' && 'closeCode' in (value as object)
}

/** The error of a connection that was not closed cleanly. Its code is not one that a user may give. */
export function connectionFailure(closeCode: number, reason: string, cause: Error | undefined): Error {
  const error = new WebSocketErrorClass(cause?.message ?? 'the connection was lost, or could not be made')
  setStatus(error, closeCode, reason)
  if (cause !== undefined) Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true })
  return error
}

/**
 * The proposal's "validate close code and reason" after WebIDL's conversion of the dictionary. A reason without a code gets
 * 1000.
 */
export function checkCloseInfo(closeInfo: WebSocketCloseInfo | null): { code: number | undefined; reason: string } {
  const info = closeInfo ?? {}
  if (typeof info !== 'object' && typeof info !== 'function') {
    throw new TypeError('a close info is an object: { closeCode, reason }')
  }
  const { closeCode, reason: given = '' } = info
  const bytes = new platform.TextEncoder().encode(`${given}`)
  const reason = new platform.TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  const code = closeCode == null ? undefined : toUnsignedShort(closeCode)
  if (code !== undefined && code !== 1000 && (code < 3000 || code > 4999)) {
    throw new platform.DOMException(`a close code is 1000 or one from 3000 to 4999, not ${code}`, 'InvalidAccessError')
  }
  if (bytes.length > longestCloseReason) {
    throw new platform.DOMException(
      `a close reason takes at most ${longestCloseReason} bytes of UTF-8: shorten it`,
      'SyntaxError',
    )
  }
  return { code: code ?? (reason === '' ? undefined : 1000), reason }
}

/** WebIDL's `[EnforceRange] unsigned short`. */
function toUnsignedShort(value: number): number {
  const integer = Math.trunc(Number(value))
  if (integer >= 0 && integer <= 65535) return integer
  throw new TypeError(`a close code is an integer from 0 to 65535, not ${String(value)}`)
}
