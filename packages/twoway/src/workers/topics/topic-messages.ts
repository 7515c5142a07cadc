import type { BrokerContent } from '../../ports/broker/broker.js'
import type { PublishedMessage } from '../../ports/broker/shared-topics.js'
import type { TopicMessage, TopicPosition } from '../../ports/broker/topic-position.js'
import type { SentError } from '../sent-error.js'

/** A question of a worker to the broker in its parent. Each is answered by 'brokerAnswer'. */
export type BrokerQuestion =
  | { readonly op: 'open'; readonly channel: number; readonly topic: string }
  | { readonly op: 'watch'; readonly channel: number; readonly pattern: string }
  | {
      readonly op: 'publish'
      readonly channel: number
      readonly content: BrokerContent
      readonly id?: string | undefined
    }
  | { readonly op: 'head'; readonly channel: number }
  | { readonly op: 'since'; readonly channel: number; readonly position: TopicPosition; readonly most: number }
  | { readonly op: 'last'; readonly channel: number; readonly most: number }

/** The messages of a worker about topics. A channel is a topic or pattern that it has open; the worker numbers them. */
export type WorkerTopicMessage =
  | { readonly type: 'brokerAsk'; readonly ask: number; readonly question: BrokerQuestion }
  | { readonly type: 'brokerSend'; readonly channel: number; readonly content: BrokerContent }
  | { readonly type: 'brokerLeave'; readonly channel: number }
  /** A topic or pattern of a server has its first subscriber, or has lost its last. */
  | { readonly type: 'topic'; readonly server: number; readonly pattern: string; readonly hasSubscribers: boolean }
  | { readonly type: 'publish'; readonly server: number; readonly own: number; readonly published: PublishedMessage }

/** Bytes that a message between processes is counted with beyond its content. */
export const messageOverhead = 200

/** Bytes of a message with this content in the memory of its sender: a string takes at most two a character. */
export function bytesOfMessage(content: string | Uint8Array): number {
  return messageOverhead + content.length * (typeof content === 'string' ? 2 : 1)
}

/** The messages of a parent about topics. */
export type ParentTopicMessage =
  | { readonly type: 'brokerAnswer'; readonly ask: number; readonly answer?: unknown; readonly error?: SentError }
  | {
      readonly type: 'brokerStored'
      readonly channel: number
      readonly topic: string
      readonly message: TopicMessage<BrokerContent>
    }
  | {
      readonly type: 'brokerVolatile'
      readonly channel: number
      readonly topic: string
      readonly content: BrokerContent
    }
  | {
      readonly type: 'published'
      /** Undefined for all servers of the worker. */
      readonly server: number | undefined
      readonly own: number | undefined
      readonly published: PublishedMessage
    }
