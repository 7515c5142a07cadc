import type { Payload } from '../../ports/payload.js'
import { ProtocolError, UsageError } from '../errors.js'
import { describeCloseCode, isWireCloseCode } from './close-code.js'

/** The status of a Close frame. `code` is 1005 if the frame has no payload (RFC 6455 §7.1.5). */
export interface CloseStatus {
  readonly code: number
  readonly reason: string
}

/** Longest close reason in bytes: the 125 of a control frame less the status code (§5.5, §5.5.1). */
export const longestCloseReason = 123

/** Reads the payload of a Close frame, `bytes[start, end)`, RFC 6455 §5.5.1. */
export function readClosePayload(payload: Payload, bytes: Uint8Array, start: number, end: number): CloseStatus {
  if (start === end) return { code: 1005, reason: '' }
  if (end - start === 1) throw new ProtocolError('closePayloadTooShort')
  const code = (bytes[start]! << 8) | bytes[start + 1]!
  if (!isWireCloseCode(code)) throw new ProtocolError('closeCodeInvalid', `${code}, ${describeCloseCode(code)}`)
  const reason = payload.decode(bytes, start + 2, end)
  if (reason === undefined) throw new ProtocolError('closeReasonNotUtf8')
  return { code, reason }
}

/** The payload of a Close frame, empty for code 1005. The status must have passed `checkCloseStatus`. */
export function closePayloadOf(payload: Payload, { code, reason }: CloseStatus): Uint8Array {
  if (code === 1005) return payload.allocate(0)
  const bytes = payload.allocate(2 + payload.byteLength(reason))
  bytes[0] = code >> 8
  bytes[1] = code
  payload.encodeInto(reason, bytes, 2)
  return bytes
}

/** Throws a UsageError for a status that can't be sent. */
export function checkCloseStatus(payload: Payload, code: number | undefined, reason: string): void {
  if (code === undefined && reason !== '') {
    throw new UsageError('closeCodeInvalid', 'a close reason needs a close code: pass 1000, or one from 3000 to 4999')
  }
  if (code !== undefined && !isWireCloseCode(code)) {
    throw new UsageError(
      'closeCodeInvalid',
      `${code} (${describeCloseCode(code)}) is not a close code that can be sent: use 1000 to 1003, 1007 to 1014, or 3000 to 4999`,
    )
  }
  const length = payload.byteLength(reason)
  if (length > longestCloseReason) {
    throw new UsageError(
      'closeReasonTooLong',
      `a close reason may have at most ${longestCloseReason} bytes of UTF-8, this one has ${length}: shorten it`,
    )
  }
}

/** Shortens a reason to what a Close frame can carry, without splitting a character. */
export function shortenReason(payload: Payload, reason: string): string {
  if (payload.byteLength(reason) <= longestCloseReason) return reason
  const characters = [...reason].slice(0, longestCloseReason - 1)
  while (payload.byteLength(characters.join('')) > longestCloseReason - 3) characters.pop()
  return `${characters.join('')}…`
}
