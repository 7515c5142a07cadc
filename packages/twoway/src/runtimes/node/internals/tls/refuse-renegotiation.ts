import type { TLSSocket } from 'node:tls'
import { TransportError } from '../../../../core/errors.js'
import { withoutStack } from '../../without-stack.js'
import { startTask } from '../genuine-timers.js'

/** The private parts of Node that are used here: callbacks of a TLSSocket's handle at the start of a handshake and within it. */
interface TlsHandle {
  onhandshakestart?: unknown
  onclienthello?: unknown
  oncertcb?: unknown
}

/**
 * Ends the connection at a renegotiation: it makes the server work for an unproven peer, and no WebSocket needs one. TLS 1.3
 * has none. Call this function after the first handshake.
 *
 * `disableRenegotiation` destroys the socket while OpenSSL still processes the peer's ClientHello, and later callbacks of the
 * same handshake find a socket without a handle. So if the handle has the known shape, this function destroys the socket
 * afterwards. Until then, OpenSSL waits for answers to `onclienthello` and `oncertcb`, which never come. Node's own
 * callbacks would ask the app and then read the handle of a socket that may be gone, and nothing catches their error.
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
