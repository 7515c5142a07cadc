import type { TLSSocket } from 'node:tls'
import { TransportError } from '../../../../core/errors.js'
import { withoutStack } from '../../without-stack.js'
import { startTask } from '../genuine-timers.js'

/** What is touched of Node's insides: what the handle of a TLSSocket calls when a handshake begins, and within it. */
interface TlsHandle {
  onhandshakestart?: unknown
  onclienthello?: unknown
  oncertcb?: unknown
}

/**
 * Has the connection end at a renegotiation: it makes the server work for a peer that has proved nothing, and no WebSocket
 * needs one. TLS 1.3 has none. To be called once the first handshake is done.
 *
 * `disableRenegotiation` destroys the socket while OpenSSL is still within the peer's ClientHello, and calls that come later
 * in the same handshake find a socket without a handle. So where the handle is as it is known, the socket is destroyed
 * after that. Until then OpenSSL waits for the answers to `onclienthello` and `oncertcb`, which do not come: Node's own
 * functions ask the app and read the handle of a socket that may be gone, which throws where nothing catches it.
 */
export function refuseRenegotiation(socket: TLSSocket): void {
  const { _handle: handle } = socket as unknown as { readonly _handle?: TlsHandle | null }
  if (typeof handle?.onhandshakestart !== 'function') {
    // Bun and Deno may have neither.
    socket.disableRenegotiation?.()
    return
  }
  handle.onhandshakestart = () => {
    startTask(() => socket.destroy(withoutStack(renegotiated)))
  }
  if (typeof handle.onclienthello === 'function') handle.onclienthello = ignore
  if (typeof handle.oncertcb === 'function') handle.oncertcb = ignore
}

function ignore(): void {}

function renegotiated(): TransportError {
  return new TransportError('the peer began a renegotiation of TLS, which is not taken')
}
