import type { RequestHead } from '../../ports/http-host.js'
import { HeaderFields } from '../http/header-fields.js'
import type { ClientOffer } from './client-offer.js'

/**
 * The head of a handshake that differs from an earlier one in its key alone. The earlier one was valid, and the key is, so
 * this one is valid.
 */
export class RepeatedHead implements RequestHead {
  readonly #earlier: RequestHead
  readonly #earlierOffer: ClientOffer
  readonly #key: string

  constructor(earlier: RequestHead, earlierOffer: ClientOffer, key: string) {
    this.#earlier = earlier
    this.#earlierOffer = earlierOffer
    this.#key = key
  }

  get method(): string {
    return this.#earlier.method
  }

  get target(): string {
    return this.#earlier.target
  }

  get version(): string {
    return this.#earlier.version
  }

  get fields(): readonly string[] {
    const earlierKey = this.#earlierOffer.key
    return this.#earlier.fields.map((part) => (part === earlierKey ? this.#key : part))
  }

  static is(head: RequestHead): boolean {
    return #key in head
  }

  /** The offer in a repeated head; undefined for any other. */
  static offerOf(head: RequestHead): ClientOffer | undefined {
    return #key in head ? head.#offer() : undefined
  }

  #offer(): ClientOffer {
    const { protocols, extensions, expectsContinue } = this.#earlierOffer
    return {
      key: this.#key,
      // A handler gets the array, and may change it.
      protocols: protocols.length === 0 ? protocols : protocols.slice(),
      extensions,
      headers: new HeaderFields(this.#earlier.fields, this.#key),
      expectsContinue,
    }
  }
}
