/** The reason of a failed handshake and its Retry-After, where the WebSocket has them in the `error` of its error event. */
export function handshakeFailure(error: unknown): { readonly why?: string; readonly retryAfterMs?: number } {
  const { message, headers } = (error ?? {}) as {
    readonly message?: string
    readonly headers?: { get?(name: string): string | null }
  }
  const retryAfter = Number(headers?.get?.('retry-after'))
  return { ...(message !== undefined && { why: message }), ...(retryAfter > 0 && { retryAfterMs: retryAfter * 1000 }) }
}
