const noHub = 'no hub answers at this URL: the server does not speak twoway.1'

/** The reason of a failed handshake and its Retry-After, where the WebSocket has them in the `error` of its error event. */
export function handshakeFailure(error: unknown): { readonly why?: string; readonly retryAfterMs?: number } {
  const { code, message, headers } = (error ?? {}) as {
    readonly code?: string
    readonly message?: string
    readonly headers?: { get?(name: string): string | null }
  }
  const retryAfter = Number(headers?.get?.('retry-after'))
  const why = code === 'protocolNotChosen' ? noHub : message
  return { ...(why !== undefined && { why }), ...(retryAfter > 0 && { retryAfterMs: retryAfter * 1000 }) }
}
