export type Message = string | Uint8Array

/** An event of a conversation; `client` tells the conversations of a server apart. */
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

/** Reports an event to the user or the output. Await the promise that it returns before the next report. */
export type Report = (event: TalkEvent) => Promise<void> | void
