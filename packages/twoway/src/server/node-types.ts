/** The module node:http, if the user's program has Node's types; so the declarations do not depend on them. */
type NodeHttp = typeof globalThis extends {
  readonly process: { getBuiltinModule(id: 'node:http'): infer Module }
}
  ? Module
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
  // biome-ignore lint/style/noNamespace: the types of Express, Passport and express-session extend this one.
  /** Middleware declares here what it adds to a request, as @types/express-session and @types/passport do. */
  namespace Express {
    interface Request {}
  }
}

/** The IncomingMessage of node:http, with what middleware declares to add to a request. */
export type NodeRequest = OrElse<IncomingMessageOf<NodeHttp>, RequestFallback> & Express.Request

/** The ServerResponse of node:http. */
export type NodeResponse = OrElse<ServerResponseOf<NodeHttp>, ResponseFallback>

/** A function in the style of connect, such as express-session makes; `next` takes an error. */
export type Middleware = MiddlewareMethod['call'] | ErrorMiddlewareMethod['call']

// Methods, so that a function which needs a narrower request, such as Express's, is taken too.
interface MiddlewareMethod {
  call(request: NodeRequest, response: NodeResponse, next: (error?: unknown) => void): unknown
}

interface ErrorMiddlewareMethod {
  call(error: unknown, request: NodeRequest, response: NodeResponse, next: (error?: unknown) => void): unknown
}
