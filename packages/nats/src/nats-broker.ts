import type { Msg, NatsConnection } from '@nats-io/nats-core'
import type { BrokerPatternEvents, BrokerTopicEvents, ResumableBroker, ResumableTopic } from 'twoway/hub'
import { Backlog } from './backlog.js'
import { Inbox } from './connection/inbox.js'
import { LastingConnection } from './connection/lasting-connection.js'
import { subscribe } from './connection/subscribe.js'
import { type NatsNode, NatsTopic } from './nats-topic.js'
import { checkCounts, refuseUnknown, shown } from './options.js'
import { SendWindow } from './send-window.js'
import { decode, readLiveEntry } from './stream/envelope.js'
import { Stream, type StreamSettings } from './stream/stream.js'
import { subjectOf, topicOf } from './subject.js'

export interface NatsBrokerOptions {
  /** A connection of `@nats-io/transport-node`, or of another transport of NATS. It must connect again after a loss. */
  readonly connection: NatsConnection
  /**
   * The name of the stream. The broker makes the stream if it is missing.
   * @default 'twoway'
   */
  readonly stream?: string | undefined
  /**
   * Put before all subjects, with a dot, so that several services can share a server. Each prefix takes a stream of its own.
   * @default 'twoway'
   */
  readonly prefix?: string | undefined
  /**
   * Messages of a topic that can be resumed or read. The stream keeps as many entries of the topic and removes older ones. Messages
   * that share an entry are removed together, so that a busy topic takes more room.
   * @default 1_000
   */
  readonly historyCount?: number | undefined
  /**
   * Milliseconds for which the key of a publish is known.
   * @default 120_000
   */
  readonly dedupeMs?: number | undefined
  /**
   * Where the server stores the stream: with 'memory', a restart of the server loses it.
   * @default 'file'
   */
  readonly storage?: 'file' | 'memory' | undefined
  /**
   * Servers of a cluster that store the stream: 3 survive the loss of one.
   * @default 1
   */
  readonly replicas?: number | undefined
  /**
   * Bytes of the stream. At the limit the oldest messages of all topics are removed. At the limit of the account, publishes are
   * refused.
   * @default -1 (the limit of the account)
   */
  readonly maxBytes?: number | undefined
  /**
   * Milliseconds that the server may take for an answer. Then a publish rejects; it may have been stored.
   * @default 5_000
   */
  readonly timeoutMs?: number | undefined
  /** Called with errors that no call rejects with, such as a message of another program in the subject of a topic. */
  readonly error?: ((error: unknown) => void) | undefined
}

/** A broker on nats-server 2.9 or later with JetStream. The connection stays yours: close it after the hub. */
export interface NatsBroker extends ResumableBroker {}

const known: Readonly<Record<keyof NatsBrokerOptions, true>> = {
  connection: true,
  stream: true,
  prefix: true,
  historyCount: true,
  dedupeMs: true,
  storage: true,
  replicas: true,
  maxBytes: true,
  timeoutMs: true,
  error: true,
}

/**
 * Topics on one stream of JetStream. An entry has messages that were published at the same time, their epoch, the offset of the first
 * one, a tag and the mark of its predecessor. JetStream stores it only if the entry before it is still the newest of its subject, so
 * that offsets have no holes, whichever node publishes. RePublish delivers stored entries. The settings for the stream have an effect only when the broker makes it.
 */
export function natsBroker(options: NatsBrokerOptions): NatsBroker {
  // Without any, the error names the connection that is missing.
  refuseUnknown('natsBroker()', options ?? {}, known)
  const {
    connection,
    stream = 'twoway',
    prefix = 'twoway',
    historyCount = 1000,
    dedupeMs = 120_000,
    storage = 'file',
    replicas = 1,
    maxBytes = -1,
    timeoutMs = 5000,
    error = () => undefined,
  } = options ?? {}
  if (typeof connection?.request !== 'function')
    throw new TypeError(`connection must be a connection to NATS, not ${shown(connection)}`)
  checkCounts({ historyCount, dedupeMs, replicas, timeoutMs })
  if (!/^[^\s\p{Cc}.*>/\\]+$/u.test(stream))
    throw new TypeError('stream must be a name without dots, spaces and wildcards')
  if (!/^[^\s\p{Cc}.*>]+(\.[^\s\p{Cc}.*>]+)*$/u.test(prefix))
    throw new TypeError('prefix must be a subject without wildcards')
  return new Broker(
    connection,
    { stream, prefix, historyCount, dedupeMs, storage, replicas, maxBytes, timeoutMs },
    error,
  )
}

class Broker implements NatsBroker {
  readonly delivery = 'resumable'
  readonly #node: NatsNode
  #prepared: Promise<void> | undefined

  constructor(natsConnection: NatsConnection, settings: StreamSettings, report: (error: unknown) => void) {
    const connection = new LastingConnection(natsConnection, report)
    const window = new SendWindow()
    connection.listen({ lost: () => window.forgetTimes() })
    this.#node = {
      connection,
      settings,
      report,
      stream: new Stream(connection, settings),
      backlog: new Backlog(),
      window,
      inbox: new Inbox(connection, report),
    }
  }

  async open(topic: string, events: BrokerTopicEvents): Promise<ResumableTopic> {
    await this.#prepare()
    const opened = new NatsTopic(this.#node, subjectOf(topic), events)
    await opened.start()
    return opened
  }

  async watch(pattern: string, events: BrokerPatternEvents): Promise<() => void> {
    await this.#prepare()
    const subject = subjectOf(pattern)
    const { connection, stream, settings, report } = this.#node
    const { prefix } = settings
    const nameOf = (message: Msg): string => topicOf(message.subject.slice(prefix.length + '.l.'.length))
    const callbacks = {
      [stream.liveSubjectOf(subject)]: (received: Msg) => {
        const entry = readLiveEntry(received)
        if (entry === undefined || stream.isVoid(entry)) return
        const name = nameOf(received)
        for (const message of entry.messages) events.stored(name, message)
      },
      [`${prefix}.v.${subject}`]: (received: Msg) => {
        const content = decode(received.data)
        if (content !== undefined) events.volatile(nameOf(received), content)
      },
    }
    return subscribe(connection.connection, callbacks, report)
  }

  /** Makes the stream once; after a failure, the next call tries again. */
  #prepare(): Promise<void> {
    this.#prepared ??= this.#node.stream.prepare().catch((error) => {
      this.#prepared = undefined
      throw error
    })
    return this.#prepared
  }
}
