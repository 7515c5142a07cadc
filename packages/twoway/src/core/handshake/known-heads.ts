import type { RequestHead } from '../../ports/http-host.js'
import { decodeLatin1 } from '../http/latin1.js'
import { isKey, keyLength } from './accept-key.js'
import type { ClientOffer } from './client-offer.js'
import { RepeatedHead } from './repeated-head.js'
import { checkRequest } from './server-handshake.js'
import { offersWebSocket } from './upgrade-request.js'

/** A head of this length or more is not kept, nor are more heads than this. Together these bound the memory. */
const longestHead = 2048
const mostHeads = 16

/** Of the heads of one length that are not known, one in this many is kept. The others cost a comparison. */
const missesPerHead = 16

/** Fields whose values are secret, or differ with each client. A head that has one is not kept. */
const notKept = /^(?:cookie|authorization|forwarded|x-forwarded-.*|x-real-ip|x-request-id|traceparent)$/i

interface KnownHead {
  readonly bytes: Uint8Array
  readonly keyAt: number
  readonly head: RequestHead
  readonly offer: ClientOffer
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
    return isKey(key) ? new RepeatedHead(known.head, known.offer, key) : undefined
  }

  /** Takes the head of a handshake that `find` has not found: `bytes[start, end)` before it was parsed. */
  miss(bytes: Uint8Array, start: number, end: number, head: RequestHead): void {
    const length = end - start
    if (length >= longestHead) return
    const slot = this.#slotOf(length)
    slot.misses += 1
    if (slot.misses % missesPerHead === 2)
      slot.known = knownHead(new Uint8Array(bytes.subarray(start, end)), head) ?? slot.known
  }

  #slotOf(length: number): Slot {
    const found = this.#slots.get(length)
    if (found !== undefined) return found
    if (this.#slots.size === mostHeads) this.#slots.clear()
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

/** Undefined for a head that is no valid handshake, or that can't stand for others. */
function knownHead(bytes: Uint8Array, head: RequestHead): KnownHead | undefined {
  // A target that is a whole URL takes the place of the Host.
  if (!head.target.startsWith('/') || !offersWebSocket(head)) return undefined
  if (head.fields.some((name, at) => at % 2 === 0 && notKept.test(name))) return undefined
  const offer = offerOf(head)
  if (offer === undefined) return undefined
  const text = decodeLatin1(bytes, 0, bytes.length)
  const keyAt = text.indexOf(offer.key)
  return keyAt === text.lastIndexOf(offer.key) ? { bytes, keyAt, head, offer } : undefined
}

function offerOf(head: RequestHead): ClientOffer | undefined {
  try {
    return checkRequest(head)
  } catch {
    return undefined
  }
}
