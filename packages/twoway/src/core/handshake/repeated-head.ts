import type { RequestHead } from '../../ports/http-host.js'
import { HeaderFields } from '../http/header-fields.js'
import type { ClientOffer } from './client-offer.js'

/** A head that later ones repeat. */
export interface EarlierHead {
  readonly head: RequestHead
  readonly offer: ClientOffer
  /** The checks that it has passed beyond those of the standard. An object of the server that has made them. */
  passed: object | undefined
}

/**
 * The head of a handshake that differs from an earlier one in its key alone. The earlier one was valid, and the key is, so
 * this one is valid.
 */
export class RepeatedHead implements RequestHead {
  readonly #earlier: EarlierHead
  readonly #key: string

  constructor(earlier: EarlierHead, key: string) {
    this.#earlier = earlier
    this.#key = key
  }

  get method(): string {
    return this.#earlier.head.method
  }

  get target(): string {
    return this.#earlier.head.target
  }

  get version(): string {
    return this.#earlier.head.version
  }

  get fields(): readonly string[] {
    const { head, offer } = this.#earlier
    const earlierKey = offer.key
    return head.fields.map((part) => (part === earlierKey ? this.#key : part))
  }

  static is(head: RequestHead): boolean {
    return #key in head
  }

  /** The offer in a repeated head; undefined for any other. */
  static offerOf(head: RequestHead): ClientOffer | undefined {
    return #key in head ? head.#offer() : undefined
  }

  /** Whether an earlier head, which differs in its key alone, has passed these checks. */
  static hasPassed(head: RequestHead, checks: object): boolean {
    return #key in head && head.#earlier.passed === checks
  }

  /** A head has passed these checks, which do not depend on its key. Has no effect on a head that repeats none. */
  static pass(head: RequestHead, checks: object): void {
    if (#key in head) head.#earlier.passed = checks
  }

  #offer(): ClientOffer {
    const { head, offer } = this.#earlier
    const { protocols, extensions, expectsContinue } = offer
    return {
      key: this.#key,
      // A handler gets the array, and may change it.
      protocols: protocols.length === 0 ? protocols : protocols.slice(),
      extensions,
      headers: new HeaderFields(head.fields, this.#key),
      expectsContinue,
    }
  }
}
