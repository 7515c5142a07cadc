import { defineHandlerSocket } from '../client/websocket/handler-socket.js'
import type { LinkSocketConstructor } from '../link/link-types.js'
import { platform } from '../link/platform.js'
import {
  defineLinkWithFailures,
  type LinkConstructor,
  type LinkContract,
  type Link as TypedLink,
} from '../link/typed-link.js'
import { clientPorts } from './sockets/connector.js'

export { LinkError } from '../link/link-error.js'
export type * from '../link/link-types.js'
export type { LinkConstructor, LinkContract } from '../link/typed-link.js'

/** A connection to a hub that lasts; `LinkBase` says how. */
export const Link: LinkConstructor = /* @__PURE__ */ defineLinkWithFailures(
  defineHandlerSocket(clientPorts) as unknown as LinkSocketConstructor,
  platform,
)
export type Link<Contract extends LinkContract = LinkContract> = TypedLink<Contract>
