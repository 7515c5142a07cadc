import { Trace, type TracedOutcome } from '../../core/observing/trace.js'
import type { BrokerContent } from '../../ports/broker/broker.js'
import type { ResumeFailure, TopicPosition } from '../../ports/broker/topic-position.js'
import type { Diagnostics, DiagnosticsChannel } from '../../ports/diagnostics.js'
import type { HubClient } from '../hub-types.js'
import { traceOf } from '../topics/content.js'
import type { TraceContext } from './trace-context.js'

/** Names the hub. */
interface OnHub {
  /** The hub that `createHub` returned. */
  readonly hub: unknown
}

/** Names the topic of a hub. */
interface OnTopic extends OnHub {
  readonly topic: string
}

/** The messages that a hub publishes on each channel of node:diagnostics_channel. */
export interface HubDiagnostics {
  /** A client asked to go on from its position. */
  readonly 'twoway:resume': OnTopic & {
    readonly client: HubClient
    /** Whether the client gets all messages that it missed. */
    readonly recovered: boolean
    /** Undefined if it does. */
    readonly reason: string | undefined
    /** The number of messages that it missed and gets. */
    readonly messages: number
  }
  /** The broker left out messages of a topic. Published when they are missed, and again when that is over. */
  readonly 'twoway:gap': OnTopic & {
    /** `filled`: all of them were read and delivered. `told`: they are lost, and the subscribers are told. */
    readonly state: 'found' | 'filled' | 'told'
    /**
     * The reason for which they can't be read; undefined unless the subscribers are told. `malformed`: the broker has a
     * message there that is none of a hub.
     */
    readonly reason: ResumeFailure | 'malformed' | undefined
  }
  /** The broker no longer answers, or answers again. */
  readonly 'twoway:stale': OnHub & { readonly stale: boolean }
}

/** The contexts of the traced operations of a hub, by the name for `tracingChannel` of node:diagnostics_channel. */
export interface HubTraces {
  /**
   * A message is published: from the check of its sender until the broker has stored it. A subscriber of `start` may set
   * `traceparent` and `tracestate`; the hub then carries them to each process that delivers the message.
   */
  readonly 'twoway:publish': OnTopic &
    TracedOutcome &
    TraceContext & {
      /** The client that publishes; undefined for the server itself. */
      readonly client: HubClient | undefined
      readonly key: string | undefined
    }
  /**
   * A message with a trace context came from the broker, and is sent to the subscribers of a topic or pattern in this process
   * within the call.
   */
  readonly 'twoway:deliver': OnTopic &
    TracedOutcome &
    TraceContext & {
      /** Undefined for a topic that stores nothing. */
      readonly position: TopicPosition | undefined
    }
}

const silent: DiagnosticsChannel = { hasSubscribers: false, publish() {} }
const noDiagnostics: Diagnostics = { channel: () => silent }

/** The channels of a hub, by event. */
export class HubChannels {
  readonly hub: unknown
  readonly tracedPublish: Trace
  readonly tracedDeliver: Trace
  readonly #resume: DiagnosticsChannel
  readonly #gap: DiagnosticsChannel
  readonly #stale: DiagnosticsChannel

  constructor(hub: unknown, diagnostics: Diagnostics = noDiagnostics) {
    this.hub = hub
    const channel = (name: keyof HubDiagnostics): DiagnosticsChannel => diagnostics.channel(name)
    this.#resume = channel('twoway:resume')
    this.#gap = channel('twoway:gap')
    this.#stale = channel('twoway:stale')
    const traced = (name: keyof HubTraces): Trace => new Trace(diagnostics, name)
    this.tracedPublish = traced('twoway:publish')
    this.tracedDeliver = traced('twoway:deliver')
  }

  /** Whether a delivery to some listeners may be traced. */
  tracesDelivery(listeners: ReadonlySet<unknown>): boolean {
    return this.tracedDeliver.hasSubscribers && listeners.size > 0
  }

  /** Delivers a message within the trace that it carries, if it carries one. */
  deliver(topic: string, position: TopicPosition | undefined, content: BrokerContent, deliver: () => void): void {
    const carried = traceOf(content)
    if (carried === undefined) {
      deliver()
      return
    }
    const context: HubTraces['twoway:deliver'] = { hub: this.hub, topic, position, ...carried }
    this.tracedDeliver.run(context, deliver)
  }

  resume(message: Omit<HubDiagnostics['twoway:resume'], 'hub'>): void {
    if (this.#resume.hasSubscribers) this.#resume.publish({ hub: this.hub, ...message })
  }

  gap(topic: string, state: HubDiagnostics['twoway:gap']['state'], reason?: ResumeFailure | 'malformed'): void {
    if (this.#gap.hasSubscribers) this.#gap.publish({ hub: this.hub, topic, state, reason })
  }

  stale(stale: boolean): void {
    if (this.#stale.hasSubscribers) this.#stale.publish({ hub: this.hub, stale })
  }
}
