import type { LinkSocket, LinkSocketConstructor } from './link-types.js'

const noHub = 'no hub answers at this URL: the server does not speak twoway.1'

type CloseEvent = Readonly<{ code: number; reason: string }>

/** A class for each class that links are given, because a class for each link would take most of its memory. */
const known = new WeakMap<LinkSocketConstructor, LinkSocketConstructor>()

/**
 * A class whose close event has the reason of a failed handshake, and its Retry-After, where the error event of the given class has
 * an `error`. Pages are told none, so that their link leaves this out.
 */
export function withFailures(WebSocket: LinkSocketConstructor): LinkSocketConstructor {
  const made = known.get(WebSocket) ?? classWithFailures(WebSocket)
  known.set(WebSocket, made)
  return made
}

function classWithFailures(WebSocket: LinkSocketConstructor): LinkSocketConstructor {
  return class implements LinkSocket {
    onerror: LinkSocket['onerror'] = null
    readonly #socket: LinkSocket

    constructor(url: string, protocols: string[]) {
      this.#socket = new WebSocket(url, protocols)
    }

    get protocol(): string {
      return this.#socket.protocol
    }

    get binaryType(): string {
      return this.#socket.binaryType
    }

    set binaryType(type) {
      this.#socket.binaryType = type
    }

    set onopen(handler: LinkSocket['onopen']) {
      this.#socket.onopen = handler
    }

    set onmessage(handler: LinkSocket['onmessage']) {
      this.#socket.onmessage = handler
    }

    set onclose(handler: ((event: never) => void) | null) {
      let failure: ReturnType<typeof handshakeFailure> = {}
      // Without a listener, some classes throw the error.
      this.#socket.onerror = ({ error }: { readonly error?: unknown }) => {
        failure = handshakeFailure(error)
      }
      this.#socket.onclose = ({ code, reason }: CloseEvent) => {
        const { why = '', retryAfterMs } = failure
        handler?.({ code, reason: reason || why, retryAfterMs } as never)
      }
    }

    send(data: string | Uint8Array<ArrayBuffer>): void {
      this.#socket.send(data)
    }

    close(code?: number, reason?: string): void {
      this.#socket.close(code, reason)
    }
  }
}

function handshakeFailure(error: unknown): { readonly why?: string; readonly retryAfterMs?: number } {
  const { code, message, headers } = (error ?? {}) as {
    readonly code?: string
    readonly message?: string
    readonly headers?: { get?(name: string): string | null }
  }
  const retryAfter = Number(headers?.get?.('retry-after'))
  const why = code === 'protocolNotChosen' ? noHub : message
  return { ...(why !== undefined && { why }), ...(retryAfter > 0 && { retryAfterMs: retryAfter * 1000 }) }
}
