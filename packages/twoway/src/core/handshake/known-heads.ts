import type { RequestHead } from '../../ports/http-host.js'
import { decodeLatin1 } from '../http/latin1.js'
import { isKey, keyLength } from './accept-key.js'
import type { ClientOffer } from './client-offer.js'
import { type EarlierHead, RepeatedHead } from './repeated-head.js'
import { checkRequest } from './server-handshake.js'
import { offersWebSocket } from './upgrade-request.js'

/** A head of this length or more is not kept, nor are more heads than this. Together these bound the memory. */
const longestHead = 2048
const mostHeads = 16

/** Of the heads of one length that are not known, one in this many is kept. The others cost a comparison. */
const missesPerHead = 16

/** A head with any other field is not kept: the value may be secret, or differ with each client. */
const keptFields =
  /^(?:host|upgrade|connection|sec-websocket-(?:key|version|extensions|protocol)|origin|user-agent|accept|accept-encoding|accept-language|cache-control|pragma|expect|dnt|sec-gpc|sec-fetch-[a-z]+)$/i

/** A longer subprotocol may be a token, as browsers can't send one in a field of its own. */
const longestProtocol = 32

interface KnownHead extends EarlierHead {
  readonly bytes: Uint8Array
  readonly keyAt: number
}

/** The heads of one length. */
interface Slot {
  misses: number
  known: KnownHead | undefined
}

/**
 * Heads of handshakes, by their length. Clients of one kind send the same bytes but for the key, so such a head needs
 * neither parsing nor checks, and its connection shares the fields (`npm run bench`, rows `handshake` and `idle`).
 */
export class KnownHeads {
  readonly #slots = new Map<number, Slot>()

  /** The head that is exactly `bytes[start, end)`, if an earlier one differs in its key alone. */
  find(bytes: Uint8Array, start: number, end: number): RequestHead | undefined {
    const known = this.#slots.get(end - start)?.known
    if (known === undefined || !isRepeated(known, bytes, start)) return undefined
    const keyAt = start + known.keyAt
    const key = decodeLatin1(bytes, keyAt, keyAt + keyLength)
    return isKey(key) ? new RepeatedHead(known, key) : undefined
  }

  /** Takes the head of a handshake that `find` has not found: `bytes[start, end)` before it was parsed. */
  miss(bytes: Uint8Array, start: number, end: number, head: RequestHead): void {
    const length = end - start
    if (length >= longestHead) return
    const slot = this.#slots.get(length) ?? this.#newSlot(length, head)
    if (slot === undefined) return
    slot.misses += 1
    if (slot.misses % missesPerHead === 2)
      slot.known = knownHead(new Uint8Array(bytes.subarray(start, end)), head) ?? slot.known
  }

  /** A slot in place of the oldest one; undefined for a head that is never kept, which must take no place from others. */
  #newSlot(length: number, head: RequestHead): Slot | undefined {
    if (!mayBeKept(head)) return undefined
    if (this.#slots.size === mostHeads) this.#slots.delete(this.#slots.keys().next().value!)
    const slot: Slot = { misses: 0, known: undefined }
    this.#slots.set(length, slot)
    return slot
  }
}

function isRepeated({ bytes: known, keyAt }: KnownHead, bytes: Uint8Array, start: number): boolean {
  for (let at = 0; at < keyAt; at += 1) if (known[at] !== bytes[start + at]) return false
  for (let at = keyAt + keyLength; at < known.length; at += 1) if (known[at] !== bytes[start + at]) return false
  return true
}

/** Whether a head can stand for others, and holds no secret of its client. */
function mayBeKept(head: RequestHead): boolean {
  const { target, fields } = head
  // A target that is a whole URL takes the place of the Host. A query may have a token.
  if (!target.startsWith('/') || target.includes('?') || !offersWebSocket(head)) return false
  return fields.every((name, at) => at % 2 === 1 || keptFields.test(name))
}

/** Undefined for a head that is no valid handshake, or that may not be kept. */
function knownHead(bytes: Uint8Array, head: RequestHead): KnownHead | undefined {
  if (!mayBeKept(head)) return undefined
  const offer = offerOf(head)
  if (offer === undefined || offer.protocols.some((protocol) => protocol.length > longestProtocol)) return undefined
  const text = decodeLatin1(bytes, 0, bytes.length)
  const keyAt = text.indexOf(offer.key)
  return keyAt === text.lastIndexOf(offer.key) ? { bytes, keyAt, head, offer, passed: undefined } : undefined
}

function offerOf(head: RequestHead): ClientOffer | undefined {
  try {
    return checkRequest(head)
  } catch {
    return undefined
  }
}
