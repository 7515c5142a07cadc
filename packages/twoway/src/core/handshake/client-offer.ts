import type { ExtensionOffer } from '../extensions/extension-header.js'
import type { HeaderFields } from '../http/header-fields.js'

/** The offer of a client in a valid handshake. */
export interface ClientOffer {
  readonly key: string
  /** Subprotocols in order of preference. */
  readonly protocols: readonly string[]
  readonly extensions: readonly ExtensionOffer[]
  readonly headers: HeaderFields
  /** Whether the client expects a 100 before the 101, RFC 9110 §7.8. */
  readonly expectsContinue: boolean
}
