/** The messages by which a client of a rival subscribes to a topic, publishes to it and asks: all of them text. */
export interface Dialect {
  readonly path: string
  readonly protocol?: string
  /** Sent one after the other, each when the server has said something. */
  readonly greeting: readonly string[]
  /** The messages of the server until the client is ready. */
  readonly welcome: number
  publish(text: string): string
  request(text: string): string
  /** The messages that the publisher gets for each publish: its copy, and perhaps an answer. */
  readonly perPublish: number
}

export const dialects = {
  hub: {
    path: '/',
    protocol: 'twoway.1',
    greeting: ['{"t":"hello"}', '{"t":"sub","id":1,"topic":"all"}'],
    welcome: 2,
    publish: (text) => JSON.stringify({ t: 'pub', id: 1, topic: 'all', data: text }),
    request: (text) => JSON.stringify({ t: 'req', id: 1, method: 'echo', data: text }),
    perPublish: 2,
  },
  'socket.io': {
    path: '/socket.io/?EIO=4&transport=websocket',
    // The server speaks first: it opens engine.io. Then the client connects to the namespace.
    greeting: ['', '40'],
    welcome: 2,
    publish: (text) => `42${JSON.stringify(['say', text])}`,
    request: (text) => `421${JSON.stringify(['echo', text])}`,
    perPublish: 1,
  },
} as const satisfies Readonly<Record<string, Dialect>>

export type DialectName = keyof typeof dialects
