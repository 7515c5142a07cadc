import { encodeBase64 } from './base64.js'
import { encodeLatin1 } from './latin1.js'
import { sha1 } from './sha1.js'

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** 16 octets: the last digit has four bits to spare, which must be zero (erratum 3150). */
const keyForm = /^[A-Za-z0-9+/]{21}[AQgw]==$/

/** The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key, §4.2.2 step 5.4. */
export function acceptKey(key: string): string {
  return encodeBase64(sha1(encodeLatin1(key + guid)))
}

/** Whether a text can be a Sec-WebSocket-Key: 16 octets in base64, §4.2.1. */
export function isKey(text: string): boolean {
  return keyForm.test(text)
}
