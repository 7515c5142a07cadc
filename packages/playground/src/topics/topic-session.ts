import { signal } from '@preact/signals'
import { Link, type LinkError, type LinkStatus, type LinkSubscription } from 'twoway/link'
import { type FrameWords, frameWords, placeOf } from './frame-words.js'

/** A frame, or a change of the connection, in the timeline of topics. */
export interface TopicEvent {
  readonly id: number
  readonly at: number
  readonly direction: 'sent' | 'received' | 'state'
  readonly words: FrameWords | undefined
  /** The frame itself; for a change of the connection its state and reason. */
  readonly text: string
}

export interface TopicState {
  readonly topic: string
  readonly place: string
  readonly members: readonly string[]
  readonly subscription: LinkSubscription
}

/** Events that the timeline keeps. */
const mostEvents = 300

/** The link of the page to a hub, its topics, and all that goes over it. */
export class TopicSession {
  readonly status = signal<LinkStatus | undefined>(undefined)
  readonly topics = signal<readonly TopicState[]>([])
  readonly events = signal<readonly TopicEvent[]>([])
  readonly problem = signal('')
  #link: Link | undefined
  #socket: WebSocket | undefined
  #nextId = 1

  connect(url: string, name: string): void {
    this.close()
    this.problem.value = ''
    const session = this
    class Socket extends WebSocket {
      constructor(to: string, protocols: string[]) {
        super(to, protocols)
        session.#socket = this
        this.addEventListener('message', ({ data }) => session.#noteFrame('received', data))
      }

      override send(data: string | Uint8Array<ArrayBuffer>): void {
        session.#noteFrame('sent', data)
        super.send(data)
      }
    }
    try {
      const link = new Link(url, { token: () => ({ name }), WebSocket: Socket, maxWaitMs: 4000 })
      this.#link = link
      this.status.value = link.status
      link.onStatus((status) => {
        this.status.value = status
        this.#note('state', undefined, `${status.state}${status.why === '' ? '' : `: ${status.why}`}`)
      })
    } catch (error) {
      this.problem.value = (error as Error).message
    }
  }

  subscribe(topic: string): void {
    const link = this.#link
    if (link === undefined) return
    this.problem.value = ''
    const change = (members?: readonly string[]): void => {
      this.topics.value = this.topics.value.map((each) =>
        each.topic === topic ? { ...each, place: placeOfTopic(subscription), members: members ?? each.members } : each,
      )
    }
    let subscription: LinkSubscription
    try {
      subscription = link.subscribe(topic, () => change(), {
        last: 10,
        started: () => change(),
        presence: ({ members }) => change(members.map(({ user }) => user)),
        refused: (error) => {
          this.problem.value = error.message
          this.topics.value = this.topics.value.filter((each) => each.topic !== topic)
        },
      })
    } catch (error) {
      this.problem.value = (error as Error).message
      return
    }
    this.topics.value = [...this.topics.value, { topic, place: '', members: [], subscription }]
  }

  unsubscribe({ topic, subscription }: TopicState): void {
    subscription.unsubscribe()
    this.topics.value = this.topics.value.filter((each) => each.topic !== topic)
  }

  publish(topic: string, data: string, volatile: boolean): void {
    this.problem.value = ''
    this.#link?.publish(topic, data, { volatile }).catch((error: LinkError) => {
      this.problem.value = error.message
    })
  }

  /** Ends the connection under the link, which connects again. */
  cut(): void {
    this.#socket?.close(4000, 'cut')
  }

  close(): void {
    this.#link?.close()
    this.#link = undefined
    this.topics.value = []
  }

  clear(): void {
    this.events.value = []
  }

  #noteFrame(direction: 'sent' | 'received', data: unknown): void {
    if (typeof data !== 'string') return
    this.#note(direction, frameWords(direction, data), data)
  }

  #note(direction: TopicEvent['direction'], words: FrameWords | undefined, text: string): void {
    const event = { id: this.#nextId++, at: Date.now(), direction, words, text }
    this.events.value = [...this.events.value, event].slice(-mostEvents)
  }
}

function placeOfTopic({ position }: LinkSubscription): string {
  return position === undefined ? '' : placeOf([position.epoch, position.offset, position.mark])
}
