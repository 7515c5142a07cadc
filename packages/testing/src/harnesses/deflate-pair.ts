import { parseExtensions } from '../../../twoway/dist/core/extensions/extension-header.js'
import { DeflateNegotiator } from '../../../twoway/dist/core/extensions/permessage-deflate/deflate-negotiator.js'
import {
  type PerMessageDeflateOptions,
  settleDeflate,
} from '../../../twoway/dist/core/extensions/permessage-deflate/deflate-options.js'
import type { PermessageDeflate } from '../../../twoway/dist/core/extensions/permessage-deflate/permessage-deflate.js'
import { ScratchPool } from '../../../twoway/dist/core/sending/scratch-pool.js'
import type { Clock } from '../../../twoway/dist/ports/clock.js'
import type { DeflateCodec } from '../../../twoway/dist/ports/deflate-codec.js'
import { createNodeDeflateCodec } from '../../../twoway/dist/runtimes/node/deflate/deflate-codec.js'
import { webPayload } from '../../../twoway/dist/runtimes/web/payload.js'
import { FakeClock } from './fake-clock.js'

export interface DeflatePairOptions {
  readonly client?: PerMessageDeflateOptions
  readonly server?: PerMessageDeflateOptions
  readonly codec?: DeflateCodec
  readonly clock?: Clock
}

/** Both ends of permessage-deflate after negotiation. */
export function deflatePair({
  client = {},
  server = {},
  codec = createNodeDeflateCodec(true),
  clock = new FakeClock(),
}: DeflatePairOptions = {}): { readonly client: PermessageDeflate; readonly server: PermessageDeflate } {
  const ports = { codec, clock, scratchPool: new ScratchPool(webPayload) }
  const offering = new DeflateNegotiator(settleDeflate(client, 'client'), ports)
  const accepted = new DeflateNegotiator(settleDeflate(server, 'server'), ports).accept(offering.offers[0]!)!
  return {
    client: offering.confirm(parseExtensions(accepted.answer)![0]!) as PermessageDeflate,
    server: accepted.extension as PermessageDeflate,
  }
}
