import { UsageError } from '../../core/errors.js'
import type { HandedUpgrade } from '../../ports/http-host.js'
import type { UpgradeContext } from '../handler-types.js'
import type { NodeRequest } from '../node-types.js'

/** The context of a server that parses requests itself. */
const withoutNodeRequest: UpgradeContext = {
  get nodeRequest(): NodeRequest {
    throw new UsageError(
      'nodeRequestMissing',
      'serve() reads requests itself, so there is no nodeRequest: use attach() on an HTTP server of node:http',
    )
  },
}

/** The second argument of `upgrade`. */
export function upgradeContext(handed: HandedUpgrade | undefined): UpgradeContext {
  return handed === undefined ? withoutNodeRequest : { nodeRequest: handed.nodeRequest as NodeRequest }
}
