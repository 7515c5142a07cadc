import type { LinkSocketConstructor } from '../link/link-types.js'
import { platform } from '../link/platform.js'
import { defineLink, type LinkConstructor, type LinkContract, type Link as TypedLink } from '../link/typed-link.js'

export { LinkError } from '../link/link-error.js'
export type * from '../link/link-types.js'
export type { LinkConstructor, LinkContract } from '../link/typed-link.js'

/** A connection to a hub that lasts; `LinkBase` says how. */
export const Link: LinkConstructor = /* @__PURE__ */ defineLink(
  globalThis.WebSocket as unknown as LinkSocketConstructor,
  platform,
)
export type Link<Contract extends LinkContract = LinkContract> = TypedLink<Contract>
