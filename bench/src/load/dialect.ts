/**
 * The messages by which a client of a rival subscribes to a topic, publishes to it and asks, and those of a server that
 * publishes to such a client: all of them text.
 */
export interface Dialect {
  /** The client's part; missing if no server of this kind is measured. */
  readonly client?: {
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
  readonly server: {
    readonly protocol?: string
    /** The answers to the first messages of the client; the first is sent at once if `speaksFirst`. */
    readonly answers: readonly string[]
    readonly speaksFirst?: true
    /** A message of the topic `all`. */
    message(text: string, offset: number): string
  }
}

const position = (offset: number) => ['e', offset, 'm'] as const

export const dialects = {
  hub: {
    client: {
      path: '/',
      protocol: 'twoway.1',
      greeting: ['{"t":"hello"}', '{"t":"sub","id":1,"topic":"all"}'],
      welcome: 2,
      publish: (text) => JSON.stringify({ t: 'pub', id: 1, topic: 'all', data: text }),
      request: (text) => JSON.stringify({ t: 'req', id: 1, method: 'echo', data: text }),
      perPublish: 2,
    },
    server: {
      protocol: 'twoway.1',
      answers: [
        '{"t":"welcome","id":"c","user":"c","limits":{"topics":100,"pending":64}}',
        JSON.stringify({ t: 'ok', id: 1, at: position(0), count: 0 }),
      ],
      message: (text, offset) =>
        JSON.stringify({ t: 'msg', topic: 'all', at: position(offset), prev: 'm', data: text }),
    },
  },
  'socket.io': {
    client: {
      path: '/socket.io/?EIO=4&transport=websocket',
      // The server speaks first: it opens engine.io. Then the client connects to the namespace.
      greeting: ['', '40'],
      welcome: 2,
      publish: (text) => `42${JSON.stringify(['say', text])}`,
      request: (text) => `421${JSON.stringify(['echo', text])}`,
      perPublish: 1,
    },
    server: {
      speaksFirst: true,
      answers: [
        '0{"sid":"s","upgrades":[],"pingInterval":60000,"pingTimeout":60000,"maxPayload":1000000}',
        '40{"sid":"n"}',
      ],
      message: (text) => `42${JSON.stringify(['say', text])}`,
    },
  },
  centrifuge: {
    server: {
      // The client connects and subscribes in one message.
      answers: [
        '{"id":1,"connect":{"client":"c","version":"6.0.0"}}\n{"id":2,"subscribe":{"recoverable":true,"positioned":true,"epoch":"e"}}',
      ],
      message: (text, offset) => JSON.stringify({ push: { channel: 'all', pub: { data: text, offset } } }),
    },
  },
} as const satisfies Readonly<Record<string, Dialect>>

export type DialectName = keyof typeof dialects
/** The protocols whose servers are measured. */
export type RoomDialect = 'hub' | 'socket.io'
