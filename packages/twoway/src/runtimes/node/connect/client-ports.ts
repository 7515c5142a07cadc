import { ScratchPool } from '../../../core/sending/scratch-pool.js'
import { nodeClock } from '../clock.js'
import { nodeDeflateCodec } from '../deflate/deflate-codec.js'
import { nodePayload } from '../payload/payload.js'
import { nodeRandom } from '../random.js'
import { nodeConnector } from './connector.js'
import { inflateBody } from './inflate-body.js'

/** The ports of a client on Node's sockets. */
export const nodeClientPorts = {
  payload: nodePayload,
  random: nodeRandom,
  clock: nodeClock,
  connector: nodeConnector,
  deflateCodec: nodeDeflateCodec,
  inflateBody,
  scratchPool: new ScratchPool(nodePayload),
}
