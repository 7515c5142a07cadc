/**
 * The platform's own type of a name where the user's program has it, from the DOM's types, Node's, Bun's or Deno's,
 * and else a fallback with the members that exist everywhere. So the declarations need none of those, and fit all.
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

/** The platform's own Headers. They can be iterated, but not every compiler's types say so. */
export interface HeadersLike {
  forEach(callback: (value: string, name: string) => void): void
}

type AsyncDisposeSymbol = SymbolConstructor extends { readonly asyncDispose: infer Key extends symbol } ? Key : never

/** The platform's AsyncDisposable, for `await using`; nothing where the user's types know no Symbol.asyncDispose. */
export type PlatformAsyncDisposable = { readonly [key in AsyncDisposeSymbol]: () => Promise<void> }
