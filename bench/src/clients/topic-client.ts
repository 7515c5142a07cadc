/** The client of topics under test: `topic-client.js ORDER`, see TopicClientOrder. It answers each batch that it has received. */

import { createRequire } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import type { TopicClientLoad } from '../load/load.js'

/** The work of a client, as JSON in its first argument. */
export interface TopicClientOrder {
  readonly client: 'link' | 'socket.io' | 'centrifuge'
  readonly load: TopicClientLoad
  readonly port: number
  readonly rivals: string
}

interface IoSocket {
  on(event: string, listener: () => void): void
  emit(event: string): void
}

interface Centrifuge {
  newSubscription(channel: string): { on(event: 'publication', listener: () => void): void; subscribe(): void }
  connect(): void
  send(data: unknown): void
}

const { client, load, port, rivals } = JSON.parse(process.argv[2]!) as TopicClientOrder
const rival = createRequire(join(rivals, 'package.json'))

/** Calls back for each message, with the function that answers. */
const starts: Readonly<Record<TopicClientOrder['client'], (received: (answer: () => void) => void) => void>> = {
  link(received) {
    const link = new Link(`ws://127.0.0.1:${port}`)
    const answer = (): void => void link.publish('all', 1, { volatile: true })
    link.subscribe('all', () => received(answer))
  },
  'socket.io'(received) {
    const { io } = rival('socket.io-client') as { io(url: string, options: object): IoSocket }
    const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true })
    const answer = (): void => socket.emit('answer')
    socket.on('say', () => received(answer))
  },
  centrifuge(received) {
    const { Centrifuge } = rival('centrifuge') as { Centrifuge: new (url: string, options: object) => Centrifuge }
    const centrifuge = new Centrifuge(`ws://127.0.0.1:${port}`, { websocket: rival('ws') })
    const subscription = centrifuge.newSubscription('all')
    const answer = (): void => centrifuge.send(1)
    subscription.on('publication', () => received(answer))
    subscription.subscribe()
    centrifuge.connect()
  },
}

const { Link } = await import('twoway/link')
for (let index = 0; index < load.connections; index++) {
  let count = 0
  starts[client]((answer) => {
    count += 1
    if (count % load.batch === 0) answer()
  })
}
process.stdin.on('end', () => process.exit()).resume()
