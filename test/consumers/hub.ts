// Code that uses a hub and a link must compile, with the types of rules, requests and schemas.

import { type ContractOf, createHub, HubError, request, type StandardSchema } from 'twoway/hub'
import { Link } from 'twoway/link'
import { serve } from 'twoway/server'
import { check, type Same } from './same.js'

declare const text: StandardSchema<string, string>
declare const person: StandardSchema<{ name: string }, { name: string }>

export const hub = createHub({
  topics: {
    staff: { subscribe: ({ user }) => user === 'admin', publish: async (client, topic) => client.user === topic },
    'room.*': { publish: true, presence: true, schema: text },
  },
  requests: {
    add: ([a, b]: [number, number]) => a + b,
    async *countdown(from: number, { signal }: { signal: { aborted: boolean } }) {
      for (let left = from; left > 0 && !signal.aborted; left -= 1) yield left
    },
    rename: request({
      input: person,
      handle({ name }, { client }) {
        check<Same<typeof name, string>>()
        if (client.user !== 'admin') throw new HubError('forbidden', 'not you')
        return name
      },
    }),
  },
  authenticate: ({ token, request: { cookies } }) => ({ user: typeof token === 'string' ? token : cookies.user }),
})

export const started = serve({ port: 1, ...hub.handlers({ message: (socket, message) => socket.send(message) }) })
export const data = serve({
  ...hub.handlers({
    upgrade: () => ({ data: { name: 'Ann' } }),
    open(socket) {
      check<Same<typeof socket.data, { name: string }>>()
    },
  }),
})

export async function typed(): Promise<void> {
  const link = new Link<ContractOf<typeof hub>>('ws://localhost')
  link.subscribe('room.1', (message) => check<Same<typeof message.data, string>>())
  await link.publish('room.1', 'text')
  // @ts-expect-error: the schema of the topic makes texts
  await link.publish('room.1', 5)
  const sum = await link.request('add', [1, 2])
  check<Same<typeof sum, number>>()
  const name = await link.request('rename', { name: 'Ann' })
  check<Same<typeof name, string>>()
  // @ts-expect-error: there is no such request
  await link.request('none')
  for await (const left of link.stream('countdown', 3)) check<Same<typeof left, number>>()
}

export async function untyped(): Promise<void> {
  const link = new Link('ws://localhost', { token: () => 'x' })
  for await (const { data: received } of link.subscribe('any.topic')) if (received instanceof Uint8Array) return
  await link.publish('any.topic', { a: [1, null] }, { volatile: true })
  await link.request('any', new Uint8Array(3), { timeoutMs: 5 })
}
