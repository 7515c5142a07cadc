/** The state of topics as components show it. The hook for React and the composable for Vue are a few lines on it. */
import type { Link, Member, TopicMessage, TopicPosition } from 'twoway/link'

export interface TopicState {
  /** The newest messages, oldest first. */
  readonly messages: readonly TopicMessage[]
  readonly members: readonly Member[]
  /** Why the server refused the subscription. */
  readonly error: Error | undefined
}

export const emptyTopic: TopicState = { messages: [], members: [], error: undefined }

/** How many messages a page keeps of each topic. */
const mostMessages = 200

/** One topic of a link. It is subscribed to while a component listens, once for all of them. */
export class TopicStore {
  /** An object that is replaced, never changed. */
  state = emptyTopic
  readonly #link: Link
  readonly #topic: string
  readonly #listeners = new Set<() => void>()
  #unsubscribe: () => void = () => undefined
  /** The messages up to this position are asked for, as some may be missing. */
  #missing: TopicPosition | undefined

  constructor(link: Link, topic: string) {
    this.#link = link
    this.#topic = topic
  }

  /** Calls back after each change of `state`. Returns a function that ends it. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) this.#start()
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#unsubscribe()
    }
  }

  #start(): void {
    this.state = emptyTopic
    const { unsubscribe } = this.#link.subscribe(this.#topic, (message) => this.#show([message]), {
      last: mostMessages,
      started: ({ recovered, position }) => {
        if (!recovered) {
          this.#missing = position
          this.#set({ messages: [] })
        }
        if (this.#missing !== undefined) void this.#fill(this.#missing)
      },
      presence: ({ members }) => this.#set({ members }),
      refused: (error) => this.#set({ error }),
    })
    this.#unsubscribe = unsubscribe
  }

  /** Puts the stored messages up to a position before those that came after it. A lost connection asks again. */
  async #fill(position: TopicPosition): Promise<void> {
    const history = await this.#link.history(this.#topic, { last: mostMessages }).catch(() => undefined)
    if (history === undefined || this.#missing !== position) return
    this.#missing = undefined
    const newer = this.state.messages
    this.state = { ...this.state, messages: [] }
    this.#show([...history.filter((message) => message.position!.offset <= position.offset), ...newer])
  }

  #show(messages: readonly TopicMessage[]): void {
    this.#set({ messages: [...this.state.messages, ...messages].slice(-mostMessages) })
  }

  #set(change: Partial<TopicState>): void {
    this.state = { ...this.state, ...change }
    for (const listener of this.#listeners) listener()
  }
}

const stores = new WeakMap<Link, Map<string, TopicStore>>()

/** The store of a topic, which all components of a page share. */
export function topicStore(link: Link, topic: string): TopicStore {
  const ofLink = stores.get(link) ?? new Map<string, TopicStore>()
  stores.set(link, ofLink)
  const store = ofLink.get(topic) ?? new TopicStore(link, topic)
  ofLink.set(topic, store)
  return store
}
