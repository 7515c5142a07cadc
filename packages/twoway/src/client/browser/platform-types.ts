import type { OfPlatform } from '../../ports/platform-types.js'

interface FallbackEvent {
  readonly type: string
  readonly target: object | null
  readonly currentTarget: object | null
  readonly timeStamp: number
  readonly defaultPrevented: boolean
  preventDefault(): void
  stopPropagation(): void
  stopImmediatePropagation(): void
}

interface FallbackMessageEvent extends FallbackEvent {
  // biome-ignore lint/suspicious/noExplicitAny: as the standard's IDL has it, so that `event.data` can be used at once
  readonly data: any
  readonly origin: string
  readonly lastEventId: string
}

interface FallbackCloseEvent extends FallbackEvent {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean
}

interface FallbackBlob {
  readonly size: number
  readonly type: string
  arrayBuffer(): Promise<ArrayBuffer>
  text(): Promise<string>
}

export type PlatformEvent = OfPlatform<'Event', FallbackEvent>
export type PlatformMessageEvent = OfPlatform<'MessageEvent', FallbackMessageEvent>
export type PlatformCloseEvent = OfPlatform<'CloseEvent', FallbackCloseEvent>
export type PlatformBlob = OfPlatform<'Blob', FallbackBlob>

/** The type of `readyState`: a number in the DOM's types up to TypeScript 5, its four values from 6 on. */
export type PlatformReadyState = typeof globalThis extends {
  readonly WebSocket: { readonly prototype: { readonly readyState: infer Found } }
}
  ? Found
  : 0 | 1 | 2 | 3
