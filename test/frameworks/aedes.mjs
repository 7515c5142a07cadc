import assert from 'node:assert/strict'
import { once } from 'node:events'
import mqtt from 'mqtt'
import { WebSocket } from 'twoway'
import { toDuplex } from 'twoway/streams'
import { start } from './example.mjs'

const { url } = await start('aedes')
// Over this package's client, because the one that mqtt brings does not connect on Node 26.
const connect = () => new mqtt.MqttClient(() => toDuplex(new WebSocket(url, ['mqtt'])), { reconnectPeriod: 0 })
const [reader, writer] = [connect(), connect()]
await Promise.all([once(reader, 'connect'), once(writer, 'connect')])
await reader.subscribeAsync('rooms/#', { qos: 1 })

/** Publishes, and resolves to the message that the reader gets: perhaps before the writer has its acknowledgement. */
async function sent(topic, payload) {
  const arrived = once(reader, 'message')
  await writer.publishAsync(topic, payload, { qos: 1 })
  return arrived
}

const [topic, payload] = await sent('rooms/1', 'hi')
assert.deepEqual([topic, payload.toString()], ['rooms/1', 'hi'])
// Longer than the stream takes at once, both ways.
const long = Buffer.alloc(600_000, 'abc')
assert.equal((await sent('rooms/2', long))[1].equals(long), true)
await Promise.all([reader.endAsync(), writer.endAsync()])
process.exit()
