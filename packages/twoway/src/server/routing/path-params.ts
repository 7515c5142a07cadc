import type { PathParams } from './path-pattern.js'

/**
 * The parameters of a literal path: `{ readonly id: string }` for `'/rooms/:id'`. For any other path, each name may exist.
 */
export type ParamsOf<Path extends string> = string extends Path
  ? PathParams
  : Path extends `${string}${'\\' | '{'}${string}`
    ? PathParams
    : NamedIn<Path> & RestIn<Path>

type RestIn<Path extends string> = Path extends `${string}*` ? { readonly 0: string } : unknown

/** Tail of a path that follows a colon is a name and what comes behind it. */
type NamedIn<Path extends string, Found = unknown> = Path extends `${string}:${infer Tail}`
  ? NameAndTail<Tail> extends [infer Name extends string, infer Behind extends string]
    ? NamedIn<Behind, Found & Named<Name, Behind>>
    : Found
  : Found

type Named<Name extends string, Behind extends string> = Behind extends `?${string}`
  ? { readonly [name in Name]?: string }
  : { readonly [name in Name]: string }

type NameAndTail<Text extends string, Name extends string = ''> = Text extends `${infer First}${infer Rest}`
  ? First extends End
    ? [Name, Text]
    : NameAndTail<Rest, `${Name}${First}`>
  : [Name, '']

/** Characters that end a name, of those that a path can have besides letters and digits. */
type End = '/' | '?' | '*' | '-' | '.' | '~' | ':' | '@' | '!' | '&' | "'" | ',' | ';' | '=' | '%' | ' '
