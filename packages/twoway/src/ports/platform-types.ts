/**
 * The platform's type of this name if the user's program has one, from the types of the DOM, Node, Bun or Deno; else a
 * fallback with the members that exist everywhere. So the declarations depend on none of them.
 */
export type OfPlatform<Name extends string, Fallback> = typeof globalThis extends {
  readonly [name in Name]: { readonly prototype: infer Found }
}
  ? Found
  : Fallback

interface FallbackAbortSignal {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** The platform's AbortSignal. */
export type PlatformAbortSignal = OfPlatform<'AbortSignal', FallbackAbortSignal>

/** The platform's Headers. All can be iterated, but some compilers' types do not say so. */
export interface HeadersLike {
  forEach(callback: (value: string, name: string) => void): void
}

type AsyncDisposeSymbol = SymbolConstructor extends { readonly asyncDispose: infer Key extends symbol } ? Key : never

/** The platform's AsyncDisposable, for `await using`; empty if the user's types have no Symbol.asyncDispose. */
export type PlatformAsyncDisposable = { readonly [key in AsyncDisposeSymbol]: () => Promise<void> }
