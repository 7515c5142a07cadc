import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'twoway'
import { start } from './example.mjs'

const { url } = await start('graphql-ws')
const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 })

const counts = []
for await (const { data } of client.iterate({ query: 'subscription { count(to: 3) }' })) counts.push(data.count)
assert.deepEqual(counts, [1, 2, 3])

// Two operations on one connection; the end of one leaves the other.
const endless = client.iterate({ query: 'subscription { count(to: 100000) }' })
assert.equal((await endless.next()).value.data.count, 1)
const { value } = await client.iterate({ query: '{ hello }' }).next()
assert.deepEqual({ ...value.data }, { hello: 'Hello from GraphQL' })
await endless.return()

const invalid = client.iterate({ query: '{ missing }' })
await assert.rejects(invalid.next(), (errors) => /Cannot query field/.test(errors[0].message))
await client.dispose()

// The close codes with which graphql-ws answers faulty clients.
for (const [protocols, text, code] of [
  [[], undefined, 4406],
  [['graphql-transport-ws'], 'no JSON', 4400],
  [['graphql-transport-ws'], '{"type":"subscribe","id":"1","payload":{"query":"{ hello }"}}', 4401],
]) {
  const socket = new WebSocket(url, protocols)
  if (text !== undefined) socket.onopen = () => socket.send(text)
  const [event] = await once(socket, 'close')
  assert.equal(event.code, code)
}
process.exit()
