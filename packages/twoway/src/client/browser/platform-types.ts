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

interface FallbackErrorEvent extends FallbackEvent {
  readonly message: string
  readonly filename: string
  readonly lineno: number
  readonly colno: number
  // biome-ignore lint/suspicious/noExplicitAny: as the standard's IDL has it
  readonly error: any
}

export interface CloseEventInit {
  readonly bubbles?: boolean
  readonly cancelable?: boolean
  readonly composed?: boolean
  readonly code?: number
  readonly reason?: string
  readonly wasClean?: boolean
}

export interface ErrorEventInit {
  readonly bubbles?: boolean
  readonly cancelable?: boolean
  readonly composed?: boolean
  readonly message?: string
  readonly filename?: string
  readonly lineno?: number
  readonly colno?: number
  readonly error?: unknown
}

interface FallbackConstructor<Interface, Init> {
  new (type: string, init?: Init): Interface
  readonly prototype: Interface
}

/** The type of the platform's class of a name, if the user's program has it; else a fallback. */
type ClassOfPlatform<Name extends string, Fallback> = typeof globalThis extends {
  readonly [name in Name]: infer Found extends { readonly prototype: unknown }
}
  ? Found
  : Fallback

interface FallbackBlob {
  readonly size: number
  readonly type: string
  arrayBuffer(): Promise<ArrayBuffer>
  text(): Promise<string>
}

export type PlatformEvent = OfPlatform<'Event', FallbackEvent>
export type PlatformMessageEvent = OfPlatform<'MessageEvent', FallbackMessageEvent>
export type PlatformCloseEvent = OfPlatform<'CloseEvent', FallbackCloseEvent>
export type PlatformErrorEvent = OfPlatform<'ErrorEvent', FallbackErrorEvent>
export type PlatformCloseEventClass = ClassOfPlatform<
  'CloseEvent',
  FallbackConstructor<PlatformCloseEvent, CloseEventInit>
>
export type PlatformErrorEventClass = ClassOfPlatform<
  'ErrorEvent',
  FallbackConstructor<PlatformErrorEvent, ErrorEventInit>
>
export type PlatformBlob = OfPlatform<'Blob', FallbackBlob>

/** The type of `readyState`: a number in the DOM's types up to TypeScript 5, its four values from 6 on. */
export type PlatformReadyState = typeof globalThis extends {
  readonly WebSocket: { readonly prototype: { readonly readyState: infer Found } }
}
  ? Found
  : 0 | 1 | 2 | 3

/** The type of a constant of the interface: its value, or a number in Node's types. */
export type PlatformConstant<Name extends string, Value extends number> = typeof globalThis extends {
  readonly WebSocket: { readonly prototype: { readonly [name in Name]: infer Found extends number } }
}
  ? Found
  : Value
