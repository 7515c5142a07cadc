import { encodeLatin1 } from '../http/latin1.js'
import { encodeBase64, writeBase64 } from './base64.js'
import { sha1 } from './sha1.js'

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** 16 bytes in base64. The last digit has four unused bits, which must be zero (erratum 3150). */
const keyForm = /^[A-Za-z0-9+/]{21}[AQgw]==$/
export const keyLength = 24

/** The input of the digest: room for a key, then the GUID. */
const message = encodeLatin1(' '.repeat(keyLength) + guid)

/** The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key, §4.2.2 step 5.4. */
export function acceptKey(key: string): string {
  return encodeBase64(digestOf(key))
}

/** Writes that Sec-WebSocket-Accept to `target` from `at` on. */
export function writeAcceptKey(key: string, target: Uint8Array, at: number): void {
  writeBase64(digestOf(key), target, at)
}

/** Whether a text is a valid Sec-WebSocket-Key: 16 bytes in base64, §4.2.1. */
export function isKey(text: string): boolean {
  return keyForm.test(text)
}

function digestOf(key: string): Uint8Array {
  for (let at = 0; at < keyLength; at += 1) message[at] = key.charCodeAt(at)
  return sha1(message)
}
