export type Message = string | Uint8Array

/** What happens in a conversation; where there are several at once, `client` tells them apart. */
export type TalkEvent = { readonly client?: number | undefined } & (
  | { readonly event: 'listening'; readonly url: string }
  | { readonly event: 'open'; readonly url: string; readonly protocol: string; readonly extensions: string }
  | { readonly event: 'message'; readonly message: Message }
  | { readonly event: 'sent'; readonly message: Message }
  | { readonly event: 'pong'; readonly ms: number }
  | { readonly event: 'close'; readonly code: number; readonly reason: string; readonly wasClean: boolean }
  | { readonly event: 'error'; readonly message: string }
  | { readonly event: 'retry'; readonly inMs: number }
)

/** Tells whoever sits before the command, or reads its output; wait for what it returns before more is reported. */
export type Report = (event: TalkEvent) => Promise<void> | void
