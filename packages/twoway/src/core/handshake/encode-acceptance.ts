import type { Transport } from '../../ports/transport.js'
import { encodeHead, refuseOwnedFields } from '../http/encode-head.js'
import { connectionFields } from '../http/encode-response.js'
import { acceptKey, writeAcceptKey } from './accept-key.js'
import { handshakeFields } from './handshake-fields.js'

/** The answer to a handshake that a server accepts. */
export interface Acceptance {
  /** The client's Sec-WebSocket-Key. */
  readonly key: string
  /** One of the offered subprotocols, or '' for none. */
  readonly protocol: string
  /** The value of Sec-WebSocket-Extensions, if any. */
  readonly extensions: string | undefined
  /** The caller's fields, names and values in turn. */
  readonly fields: readonly string[]
  /** Sends a 100 first, in the same write. */
  readonly expectsContinue?: boolean
}

/** RFC 9110 §7.6.1: fields that concern the connection would contradict the switch of protocols. */
const acceptanceOwned: ReadonlySet<string> = new Set([...handshakeFields, ...connectionFields])

const continuing = encodeHead('HTTP/1.1 100 Continue', [])
const acceptanceLine = 'HTTP/1.1 101 Switching Protocols'
const acceptanceFields = ['Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Accept'] as const

/**
 * Encodes the answer that accepts a handshake, §4.2.2. Throws a UsageError 'headerInvalid' for fields that are not
 * allowed.
 */
export function encodeAcceptance({ key, protocol, extensions, fields }: Acceptance): Uint8Array {
  refuseOwnedFields(fields, acceptanceOwned, 'the handshake')
  const own = [...acceptanceFields, acceptKey(key)]
  if (protocol !== '') own.push('Sec-WebSocket-Protocol', protocol)
  if (extensions !== undefined) own.push('Sec-WebSocket-Extensions', extensions)
  return encodeHead(acceptanceLine, [...own, ...fields])
}

/**
 * Encoded answers without subprotocol and own fields, by their Sec-WebSocket-Extensions, of which there are few. They
 * differ in the accept key alone, which is overwritten for each handshake; encoding a head anew takes longer.
 */
const acceptances = new Map<string | undefined, Uint8Array>()
const acceptKeyAt = encodeHead(acceptanceLine, [...acceptanceFields, '']).length - '\r\n\r\n'.length

/** Accepts a handshake. Throws as `encodeAcceptance` does, before anything is written. */
export function accept(transport: Transport, acceptance: Acceptance): void {
  const { key, protocol, extensions, fields, expectsContinue } = acceptance
  if (protocol !== '' || fields.length > 0 || expectsContinue === true) {
    const answer = encodeAcceptance(acceptance)
    if (expectsContinue === true) transport.write(continuing, answer)
    else transport.write(answer)
    return
  }
  const known = acceptances.get(extensions)
  const answer = known ?? encodeAcceptance(acceptance)
  if (known !== undefined) writeAcceptKey(key, known, acceptKeyAt)
  transport.write(answer)
  // A transport that still reads from the answer must find it unchanged.
  if (transport.pendingBytes === 0) acceptances.set(extensions, answer)
  else acceptances.delete(extensions)
}
