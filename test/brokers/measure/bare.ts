import { createInbox, headers, type NatsConnection } from '@nats-io/nats-core'
import type { NodeRedisLike } from '@twoway/redis'

/** Stores one message in a topic of this number. */
export type Store = (topic: number) => Promise<void>

const inFlight = 256

/** Messages that are stored in a second, of which 256 are on their way at a time. */
export async function storesPerSecond(store: Store, count: number, topics: number): Promise<number> {
  let started = 0
  const run = async (most: number): Promise<void> => {
    while (started < most) {
      started += 1
      await store(started % topics)
    }
  }
  const all = async (most: number): Promise<void> => {
    await Promise.all(Array.from({ length: inFlight }, () => run(most)))
  }
  // The first ones open topics and warm the code up.
  await all(count / 5)
  const start = performance.now()
  started = 0
  await all(count)
  return (count * 1000) / (performance.now() - start)
}

/** Ways to store by a client alone: `bare`, or `told`, which also brings each message to a subscriber, as a broker must. */
export type BareWay = 'bare' | 'told'

/**
 * The fastest way to store by the client of NATS alone: an inbox for all replies, instead of a request for each.
 * @param arrived called for each message that is told
 */
export async function bareNats(
  connection: NatsConnection,
  text: string,
  way: BareWay,
  arrived = (): void => undefined,
): Promise<Store> {
  const told = way === 'told' && { republish: { src: `${way}.>`, dest: `live.${way}.>` } }
  const config = { name: way, subjects: [`${way}.>`], storage: 'file', max_msgs_per_subject: 1000, ...told }
  await connection.request(`$JS.API.STREAM.CREATE.${way}`, JSON.stringify(config))
  if (told) connection.subscribe(`live.${way}.>`, { callback: () => arrived() })
  const inbox = createInbox()
  const waiting = new Map<string, () => void>()
  connection.subscribe(`${inbox}.*`, {
    callback: (_, { subject }) => {
      const token = subject.slice(inbox.length + 1)
      waiting.get(token)?.()
      waiting.delete(token)
    },
  })
  const own = createInbox()
  let sent = 0
  return (topic) =>
    new Promise((resolve) => {
      sent += 1
      waiting.set(String(sent), resolve)
      const fields = headers()
      fields.set('Nats-Msg-Id', `${own}.${sent}`)
      connection.publish(`${way}.${topic}`, text, { reply: `${inbox}.${sent}`, headers: fields })
    })
}

const addAndPublish = `redis.call('XADD', KEYS[1], 'MAXLEN', '~', '1000', '*', 'c', ARGV[1])
return redis.call('PUBLISH', KEYS[1], ARGV[1])`

/** XADD by the client of Redis alone, which sends the commands of a turn together; or a script of XADD and PUBLISH. */
export async function bareRedis(client: NodeRedisLike, text: string, way: BareWay): Promise<Store> {
  if (way === 'bare') {
    return async (topic) => {
      await client.sendCommand(['XADD', `bare:${topic}`, 'MAXLEN', '~', '1000', '*', 'c', text])
    }
  }
  const subscriber = client.duplicate()
  subscriber.on('error', () => undefined)
  await subscriber.connect()
  await subscriber.pSubscribe('told:*', () => undefined)
  const sha = String(await client.sendCommand(['SCRIPT', 'LOAD', addAndPublish]))
  return async (topic) => {
    await client.sendCommand(['EVALSHA', sha, '1', `told:${topic}`, text])
  }
}
