import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Client, Events, GatewayIntentBits } from 'discord.js'
import { WebSocketServer } from 'ws'
import { listen, until } from './listen.mjs'

const [hello, dispatch, heartbeat, acknowledged, identify, resume] = [10, 0, 1, 11, 2, 6]
const user = { id: '1', username: 'bot', discriminator: '0000', avatar: null, bot: true }
const guild = {
  id: '2',
  name: 'guild',
  unavailable: false,
  owner_id: '1',
  channels: [{ id: '3', type: 0, name: 'general', position: 0, permission_overwrites: [] }],
  members: [],
  roles: [],
  emojis: [],
  stickers: [],
  features: [],
  threads: [],
  presences: [],
  voice_states: [],
  stage_instances: [],
  guild_scheduled_events: [],
  soundboard_sounds: [],
}
const message = {
  id: '4',
  channel_id: '3',
  guild_id: '2',
  author: { ...user, id: '5', username: 'ann' },
  content: 'hi '.repeat(500),
  timestamp: new Date(0).toISOString(),
  edited_timestamp: null,
  tts: false,
  mention_everyone: false,
  mentions: [],
  mention_roles: [],
  attachments: [],
  embeds: [],
  pinned: false,
  type: 0,
}

const http = createServer((_request, response) => {
  response.setHeader('Content-Type', 'application/json')
  const limit = { total: 1000, remaining: 1000, reset_after: 0, max_concurrency: 1 }
  response.end(JSON.stringify({ url, shards: 1, session_start_limit: limit }))
})
const address = await listen(http)
const url = `ws://${address}/`
const gateway = new WebSocketServer({ server: http })
const received = []
gateway.on('connection', (socket) => {
  let sequence = 0
  const send = (op, d, t) => {
    if (op === dispatch) sequence += 1
    socket.send(JSON.stringify({ op, d, t, s: op === dispatch ? sequence : null }))
  }
  socket.on('message', (data) => {
    const { op, d } = JSON.parse(data)
    received.push(op)
    if (op === heartbeat) send(acknowledged)
    if (op === resume) send(dispatch, {}, 'RESUMED')
    if (op !== identify) return
    assert.equal(d.token, 'token')
    const application = { id: '1', flags: 0 }
    const guilds = [{ id: '2', unavailable: true }]
    send(dispatch, { v: 10, user, guilds, session_id: 's', resume_gateway_url: url, application }, 'READY')
    send(dispatch, guild, 'GUILD_CREATE')
    send(dispatch, message, 'MESSAGE_CREATE')
  })
  send(hello, { heartbeat_interval: 50 })
})

const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
  rest: { api: `http://${address}` },
})
client.on('error', (error) => assert.fail(error))
const created = once(client, Events.MessageCreate)
await client.login('token')
const [{ content, author, channel }] = await created
assert.deepEqual([content, author.username, channel.name], [message.content, 'ann', 'general'])
await until(() => received.filter((op) => op === heartbeat).length >= 2, 'the heartbeats')
await until(() => client.ws.ping >= 0, 'the latency')

// A connection that the gateway closes: the session is resumed on a new one.
const resumed = once(client, Events.ShardResume)
for (const socket of gateway.clients) socket.close(4000, 'try again')
await resumed
await client.destroy()
await until(() => gateway.clients.size === 0, 'the end of the connection')
process.exit()
