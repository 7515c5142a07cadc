import { type AnyRequest, type HubBase, Hub as HubOf, type HubOptions, type HubPorts } from '../hub/hub.js'
import type { RequestHandler, RequestRule, TopicRule } from '../hub/hub-types.js'
import { nodeClock } from '../runtimes/node/clock.js'
import { nodeDiagnostics } from '../runtimes/node/diagnostics.js'
import { nodePayload } from '../runtimes/node/payload/payload.js'
import { nodeRandom } from '../runtimes/node/random.js'
import { serversOfWorker } from '../runtimes/node/workers/cluster-parent.js'
import type { ServerHandlers } from '../server/handler-types.js'
import type { IncomingRequest } from '../server/handshake/incoming-request.js'
import type { Json } from '../subprotocol/messages.js'
import { WorkerServers } from '../workers/worker-servers.js'

export { UsageError } from '../core/errors.js'
export type { Histogram } from '../core/observing/histogram.js'
export type { BrokerOperation, HubMetrics } from '../core/observing/hub-metrics.js'
export type { HubOptions } from '../hub/hub.js'
export { HubError } from '../hub/hub-error.js'
export type {
  HubClient,
  HubData,
  HubMessage,
  Identity,
  Permission,
  Presence,
  PublishSettings,
  RequestContext,
  RequestHandler,
  RequestRule,
  TopicRule,
} from '../hub/hub-types.js'
export type { HubDiagnostics, HubTraces } from '../hub/observing/hub-diagnostics.js'
export type { TraceContext } from '../hub/observing/trace-context.js'
export type { SchemaIssue, SchemaResult, StandardSchema } from '../hub/schema.js'
export type {
  BrokerContent,
  BrokerPatternEvents,
  BrokerTopicEvents,
  ResumableBroker,
  ResumableTopic,
} from '../ports/broker/broker.js'
export type {
  Resumed,
  ResumeFailure,
  TopicHistory,
  TopicMessage,
  TopicPosition,
} from '../ports/broker/topic-position.js'
export type { ErrorCode, Json, Member, SlowPolicy } from '../subprotocol/messages.js'
/** Whether a pattern matches a topic, as for subscriptions: for brokers and for programs that keep rules of their own. */
export { matches as topicMatches } from '../topics/topic-name.js'

/** The types of a hub that a link can use: `new Link<ContractOf<typeof hub>>(url)`. */
export interface HubContract<Topics, Requests> {
  readonly topics: Topics
  readonly requests: Requests
}

/** The data that a schema makes; JSON without a schema, or if it does not say. */
type OutputOf<Rule> = Rule extends { readonly schema: { readonly '~standard': { readonly types?: infer Types } } }
  ? NonNullable<Types> extends { readonly output: infer Output }
    ? Output
    : Json
  : Json

type TopicsOf<Topics> = { readonly [Name in keyof Topics]: OutputOf<Topics[Name]> }

type RequestsOf<Requests> = {
  readonly [Name in keyof Requests]: Requests[Name] extends RequestRule<infer Input, infer Output, never>
    ? { readonly input: Input; readonly output: Output }
    : Requests[Name] extends RequestHandler<infer Input, infer Output, never>
      ? { readonly input: Input; readonly output: Output }
      : never
}

/** Topics, requests and presence for clients that speak the subprotocol twoway.1. */
export interface Hub<Contract = HubContract<unknown, unknown>> extends HubBase<IncomingRequest> {
  /** Not a value: it carries the types of topics and requests to `ContractOf`. */
  readonly contract?: Contract
  /**
   * The handlers for `serve` or `attach`. A client that offers the subprotocol twoway.1 becomes a client of the hub. For all
   * other clients the given handlers are called, as without a hub. Only `upgrade` is called for all: its refusal counts.
   */
  handlers<Data = undefined>(plain?: ServerHandlers<Data>): ServerHandlers<Data>
}

/** The contract of a hub, for the types of `Link`. */
export type ContractOf<Of> = Of extends Hub<infer Contract> ? Contract : never

const ports: HubPorts = {
  clock: nodeClock,
  random: nodeRandom,
  payload: nodePayload,
  diagnostics: nodeDiagnostics,
  parentBroker: () => serversOfWorker((parent) => new WorkerServers(parent, nodeClock))?.broker,
  report: (error) => console.error('twoway: error in a hub (its option error can take it):', error),
}

/**
 * Makes a hub: topics with history and presence, and requests, for clients that use `twoway/link` or speak the subprotocol
 * twoway.1 themselves.
 *
 * ```ts
 * const hub = createHub({ topics: { 'room.*': { publish: true, presence: true } } })
 * const server = await serve({ port: 8080, ...hub.handlers() })
 * ```
 *
 * Throws a UsageError for options that can't be used ('optionInvalid').
 */
export function createHub<
  const Topics extends Readonly<Record<string, TopicRule<IncomingRequest>>>,
  const Requests extends Readonly<Record<string, AnyRequest>>,
>(
  options: HubOptions<Topics, Requests, IncomingRequest> = {},
): Hub<HubContract<TopicsOf<Topics>, RequestsOf<Requests>>> {
  return new HubOf(options as never, ports) as unknown as Hub<HubContract<TopicsOf<Topics>, RequestsOf<Requests>>>
}

/** A request whose handler has the type of its schema: `requests: { rename: request({ input: schema, handle }) }`. */
export function request<Input, Output>(
  rule: RequestRule<Input, Output, IncomingRequest>,
): RequestRule<Input, Output, IncomingRequest> {
  return rule
}
