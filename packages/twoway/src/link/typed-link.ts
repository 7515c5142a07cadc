import { withFailures } from './handshake-failure.js'
import { LinkBase } from './link.js'
import type { LinkPlatform } from './link-platform.js'
import type {
  LinkData,
  LinkOptions,
  LinkSocketConstructor,
  LinkSubscription,
  PublishOptions,
  RequestOptions,
  SubscribeOptions,
  TopicMessage,
  TopicPosition,
} from './link-types.js'

/** The types of topics, by name or pattern, and of requests: `ContractOf<typeof hub>`, or written by hand. */
export interface LinkContract {
  readonly topics: object
  readonly requests: object
}

/** The names that a pattern matches, as a type. */
type NamesOf<Pattern> = Pattern extends `${infer First}.${infer Rest}`
  ? `${NamesOf<First> & string}.${NamesOf<Rest> & string}`
  : Pattern extends '*' | '>'
    ? string
    : Pattern

type DataOf<Topics, Topic> = keyof Topics extends never
  ? LinkData
  : { [Pattern in keyof Topics]: Topic extends NamesOf<Pattern> ? Topics[Pattern] : never }[keyof Topics]

type InputOf<Requests, Method> = keyof Requests extends never
  ? LinkData
  : Method extends keyof Requests
    ? Requests[Method] extends { readonly input: infer Input }
      ? Input
      : never
    : never

type OutputOf<Requests, Method> = keyof Requests extends never
  ? LinkData
  : Method extends keyof Requests
    ? Requests[Method] extends { readonly output: infer Output }
      ? Output
      : never
    : never

type MethodOf<Requests> = keyof Requests extends never ? string : keyof Requests & string

/** The values that an answer in parts yields. */
type PartOf<Output> = Output extends AsyncIterable<infer Part> ? Part : Output

/** A link: `LinkBase`, with the types of a contract. */
export interface Link<Contract extends LinkContract = LinkContract>
  extends Omit<LinkBase, 'subscribe' | 'publish' | 'request' | 'stream' | 'history'> {
  subscribe<const Topic extends string>(
    topic: Topic,
    listener?: (message: TopicMessage<DataOf<Contract['topics'], Topic>>) => void,
    options?: SubscribeOptions,
  ): LinkSubscription<DataOf<Contract['topics'], Topic>>
  publish<const Topic extends string>(
    topic: Topic,
    data: DataOf<Contract['topics'], Topic>,
    options?: PublishOptions,
  ): Promise<TopicPosition | undefined>
  request<const Method extends MethodOf<Contract['requests']>>(
    method: Method,
    data?: InputOf<Contract['requests'], Method>,
    options?: RequestOptions,
  ): Promise<Awaited<OutputOf<Contract['requests'], Method>>>
  stream<const Method extends MethodOf<Contract['requests']>>(
    method: Method,
    data?: InputOf<Contract['requests'], Method>,
    options?: RequestOptions,
  ): AsyncGenerator<PartOf<OutputOf<Contract['requests'], Method>>, void>
  history<const Topic extends string>(
    topic: Topic,
    options?: { readonly last?: number; readonly position?: TopicPosition },
  ): Promise<TopicMessage<DataOf<Contract['topics'], Topic>>[]>
}

export interface LinkConstructor {
  new <Contract extends LinkContract = LinkContract>(url: string | URL, options?: LinkOptions): Link<Contract>
}

/** The class for a runtime, with its WebSocket. */
export function defineLink(WebSocket: LinkSocketConstructor, platform: LinkPlatform): LinkConstructor {
  return class Link extends LinkBase {
    constructor(url: string | URL, options: LinkOptions = {}) {
      super(url, { WebSocket, ...options }, platform)
    }
  } as unknown as LinkConstructor
}

/** The same for a runtime whose WebSocket tells why a handshake failed. */
export function defineLinkWithFailures(WebSocket: LinkSocketConstructor, platform: LinkPlatform): LinkConstructor {
  return class Link extends LinkBase {
    constructor(url: string | URL, options: LinkOptions = {}) {
      super(url, { ...options, WebSocket: withFailures(options.WebSocket ?? WebSocket) }, platform)
    }
  } as unknown as LinkConstructor
}
