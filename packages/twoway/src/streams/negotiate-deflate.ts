import { UsageError } from '../core/errors.js'
import { formatExtensions, parseExtensions } from '../core/extensions/extension-header.js'
import { acceptExtension } from '../core/extensions/negotiation.js'
import { DeflateNegotiator, type DeflatePorts } from '../core/extensions/permessage-deflate/deflate-negotiator.js'
import { type PerMessageDeflateOptions, settleDeflate } from '../core/extensions/permessage-deflate/deflate-options.js'
import type { NegotiatedDeflate } from './stream-connection-types.js'

/** One side of the negotiation of permessage-deflate, RFC 7692 §5.1. One such object serves many connections. */
export interface DeflateNegotiation {
  /** The client's value for Sec-WebSocket-Extensions. */
  readonly offer: string
  /** A server's decision on a client's Sec-WebSocket-Extensions; undefined to go without compression. */
  accept(offer: string): NegotiatedDeflate | undefined
  /** A client's check of the server's answer; undefined if it does not fit the offer, so that the connection must fail. */
  confirm(answer: string): NegotiatedDeflate | undefined
}

export function negotiationOf(
  role: 'client' | 'server',
  options: PerMessageDeflateOptions,
  ports: DeflatePorts | undefined,
): DeflateNegotiation {
  if (ports === undefined) throw new UsageError('optionInvalid', 'this runtime has no codec for permessage-deflate')
  const negotiator = new DeflateNegotiator(settleDeflate(options, role), ports)
  return {
    offer: formatExtensions(negotiator.offers),
    accept: (offer) => acceptExtension(parseExtensions(offer) ?? [], [negotiator]),
    confirm(answer) {
      const answers = parseExtensions(answer)
      const only = answers?.length === 1 && answers[0]?.name === negotiator.name ? answers[0] : undefined
      const extension = only && negotiator.confirm(only)
      return extension && { answer: '', extension }
    },
  }
}
