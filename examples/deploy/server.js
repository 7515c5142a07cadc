/**
 * One node of a service with topics: a hub on NATS or Redis, probes, metrics on a port of their own, and a shutdown that
 * clients do not notice. The environment says where the broker is and how it keeps messages.
 */
import { createServer } from 'node:http'
import { createHub, HubError } from 'twoway/hub'
import { metricsAnswer } from 'twoway/metrics'
import { gracefulShutdown, serve } from 'twoway/server'

const {
  PORT = '8080',
  METRICS_PORT = '9464',
  BROKER_URL = 'nats://127.0.0.1:4222',
  // Servers of NATS that store the stream: 3 in a cluster of three.
  REPLICAS = '1',
} = process.env

const { broker, disconnect } = BROKER_URL.startsWith('redis') ? await connectRedis() : await connectNats()

const hub = createHub({
  broker,
  topics: { 'room.*': { publish: true, presence: true } },
  // Put the check of your own tokens here.
  authenticate({ token }) {
    if (typeof token !== 'string' || token === '') throw new HubError('unauthorized', 'a name is missing')
    return { user: token }
  },
})

const server = await serve({
  port: Number(PORT),
  host: '0.0.0.0',
  trustedProxies: ['loopback', 'private'],
  ...hub.handlers(),
  request({ url }) {
    const { pathname } = new URL(url)
    if (pathname === '/livez') return { status: 200 }
    // The broker is no part of it: if it is away, no other node could serve its clients better.
    if (pathname === '/readyz') return { status: server.isReady ? 200 : 503 }
    return { status: 404 }
  },
})

const metricsServer = createServer((request, response) => {
  const { status, headers, body } = metricsAnswer(server.metrics(), { accept: request.headers.accept })
  response.writeHead(status, headers).end(body)
}).listen(Number(METRICS_PORT))

gracefulShutdown([server, metricsServer], {
  readinessDelayMs: 5_000,
  withinMs: 20_000,
  // biome-ignore lint/suspicious/noThenProperty: the option is called so
  then() {
    hub.close()
    return disconnect()
  },
})
console.log(`listening on ${server.port}`)

async function connectNats() {
  const { connect } = await import('@nats-io/transport-node')
  const { natsBroker } = await import('@twoway/nats')
  const connection = await connect({
    servers: BROKER_URL.split(','),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    waitOnFirstConnect: true,
  })
  return {
    broker: natsBroker({ connection, replicas: Number(REPLICAS) }),
    disconnect: () => connection.close(),
  }
}

async function connectRedis() {
  const { createClient } = await import('@redis/client')
  const { redisBroker } = await import('@twoway/redis')
  const client = createClient({ url: BROKER_URL, socket: { reconnectStrategy: (tries) => Math.min(tries * 50, 1000) } })
  // Without a listener, a lost connection would end the process.
  client.on('error', (error) => console.error(`Redis: ${error.message}`))
  await client.connect()
  const broker = redisBroker({ client })
  return {
    broker,
    disconnect() {
      broker.close()
      client.destroy()
    },
  }
}
