import { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** The socket under a TLSSocket that was made over one; undefined if Node does not reveal it. */
export function tlsParentOf(socket: TLSSocket): Socket | undefined {
  const { _parent: parent } = socket as { readonly _parent?: unknown }
  return parent instanceof Socket ? parent : undefined
}
