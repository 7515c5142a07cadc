/**
 * All modules of Node, if the user's program has Node's types; so the declarations do not depend on them. Only node:http has
 * the classes that are looked for.
 */
type NodeModules = typeof globalThis extends {
  readonly process: { readonly getBuiltinModule: { (id: never): infer Modules; (id: string): unknown } }
}
  ? Modules
  : unknown

type IncomingMessageOf<Module> = Module extends {
  readonly IncomingMessage: { readonly prototype: infer Message }
}
  ? Message
  : never

type ServerResponseOf<Module> = Module extends {
  readonly ServerResponse: { readonly prototype: infer Response }
}
  ? Response
  : never

type OrElse<Found, Fallback> = [Found] extends [never] ? Fallback : Found

interface RequestFallback {
  readonly method?: string | undefined
  url?: string | undefined
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined }
  readonly rawHeaders: readonly string[]
}

interface ResponseFallback {
  statusCode: number
  getHeader(name: string): unknown
  setHeader(name: string, value: number | string | readonly string[]): unknown
  end(body?: string | Uint8Array): unknown
}

declare global {
  /** Middleware declares here what it adds to a request, as @types/express-session and @types/passport do. */
  // biome-ignore lint/style/noNamespace: the types of Express, Passport and express-session extend this one.
  namespace Express {
    interface Request {}
  }
}

/** The IncomingMessage of node:http, with what middleware declares to add to a request. */
export type NodeRequest = OrElse<IncomingMessageOf<NodeModules>, RequestFallback> & Express.Request

/** The ServerResponse of node:http. */
export type NodeResponse = OrElse<ServerResponseOf<NodeModules>, ResponseFallback>

/**
 * A function in the style of connect, such as express-session makes; `next` takes an error.
 * @remarks A function with four parameters `(error, request, response, next)` is called for errors only; TypeScript needs an
 * assertion for it.
 */
export type Middleware = MiddlewareMethod['call']

// A method, so that a function which needs a narrower request, such as Express's, is taken too.
interface MiddlewareMethod {
  call(request: NodeRequest, response: NodeResponse, next: (error?: unknown) => void): unknown
}
