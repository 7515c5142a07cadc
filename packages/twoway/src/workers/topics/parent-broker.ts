import type {
  BrokerContent,
  BrokerPatternEvents,
  BrokerTopicEvents,
  ResumableBroker,
  ResumableTopic,
} from '../../ports/broker/broker.js'
import type { Resumed, TopicHistory, TopicPosition } from '../../ports/broker/topic-position.js'
import type { Clock } from '../../ports/clock.js'
import { receivedError } from '../sent-error.js'
import type { BrokerQuestion, ParentTopicMessage, WorkerTopicMessage } from './topic-messages.js'

/** Milliseconds that the parent may take for an answer. */
const answerWithinMs = 10_000

type Answered = { readonly resolve: (answer: unknown) => void; readonly reject: (error: Error) => void }

/** Sends the parent a message, and returns nothing; or returns the reason why it does not. */
export type TellParent = (message: WorkerTopicMessage) => Error | undefined

/** The broker in the parent process, as a worker sees it. The parent stores the messages, so that they outlive a worker. */
export class ParentBroker implements ResumableBroker {
  readonly delivery = 'resumable'
  readonly #tell: TellParent
  readonly #clock: Clock
  readonly #channels = new Map<number, BrokerPatternEvents>()
  readonly #asked = new Map<number, Answered>()
  #lastChannel = 0
  #lastAsk = 0
  #end: Error | undefined

  constructor(tell: TellParent, clock: Clock) {
    this.#tell = tell
    this.#clock = clock
  }

  async open(topic: string, { stored, volatile }: BrokerTopicEvents): Promise<ResumableTopic> {
    const channel = this.#addChannel({
      stored: (_, message) => stored(message),
      volatile: (_, content) => volatile(content),
    })
    await this.#open(channel, { op: 'open', channel, topic })
    return {
      publish: (content, id) => this.#ask<TopicPosition>({ op: 'publish', channel, content, id }),
      head: () => this.#ask<TopicPosition>({ op: 'head', channel }),
      since: (position, most) => this.#ask<Resumed<BrokerContent>>({ op: 'since', channel, position, most }),
      last: (most) => this.#ask<TopicHistory<BrokerContent>>({ op: 'last', channel, most }),
      send: (content) => void this.#tell({ type: 'brokerSend', channel, content }),
      leave: () => this.#leave(channel),
    }
  }

  async watch(pattern: string, events: BrokerPatternEvents): Promise<() => void> {
    const channel = this.#addChannel(events)
    await this.#open(channel, { op: 'watch', channel, pattern })
    return () => this.#leave(channel)
  }

  /** Takes a message of the parent. */
  take(message: ParentTopicMessage): void {
    switch (message.type) {
      case 'brokerAnswer': {
        const asked = this.#asked.get(message.ask)
        this.#asked.delete(message.ask)
        if (message.error === undefined) asked?.resolve(message.answer)
        else asked?.reject(receivedError(message.error))
        break
      }
      case 'brokerStored':
        this.#channels.get(message.channel)?.stored(message.topic, message.message)
        break
      case 'brokerVolatile':
        this.#channels.get(message.channel)?.volatile(message.topic, message.content)
        break
    }
  }

  /** The parent has left: no answer follows. */
  end(): void {
    this.#end = new Error('the parent process has left, and this one is about to end')
    for (const asked of this.#asked.values()) asked.reject(this.#end)
    this.#asked.clear()
  }

  #addChannel(events: BrokerPatternEvents): number {
    this.#lastChannel += 1
    this.#channels.set(this.#lastChannel, events)
    return this.#lastChannel
  }

  async #open(channel: number, question: BrokerQuestion): Promise<void> {
    try {
      await this.#ask(question)
    } catch (error) {
      this.#leave(channel)
      throw error
    }
  }

  #leave(channel: number): void {
    if (this.#channels.delete(channel)) this.#tell({ type: 'brokerLeave', channel })
  }

  #ask<Answer>(question: BrokerQuestion): Promise<Answer> {
    const ask = ++this.#lastAsk
    const fault = this.#end ?? this.#tell({ type: 'brokerAsk', ask, question })
    if (fault !== undefined) return Promise.reject(fault)
    return new Promise<Answer>((resolve, reject) => {
      const late = this.#clock.after(
        answerWithinMs,
        () => {
          this.#asked.delete(ask)
          reject(new Error(`the parent process has not answered within ${answerWithinMs} ms`))
        },
        false,
      )
      this.#asked.set(ask, {
        resolve: (answer) => {
          late.cancel()
          resolve(answer as Answer)
        },
        reject: (error) => {
          late.cancel()
          reject(error)
        },
      })
    })
  }
}
