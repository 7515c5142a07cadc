import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import type { Chance } from 'twoway-testing/topic-faults/chance.js'
import type { Loss } from 'twoway-testing/topic-faults/oracle.js'
import { clusterNames, startNats, startNatsCluster } from '../nats-server.js'
import { fetchRedisClients } from '../redis-clients.js'
import { RedisWithSentinel, startRedis } from '../redis-server.js'
import type { TestServer } from '../test-server.js'
import type { BrokerAddress } from './connect-broker.js'

/** A broker whose servers the suite kills. */
export interface TestedBroker {
  readonly address: BrokerAddress
  /** The writes that a server may lose when it is killed. */
  readonly losesAtKill: Loss
  /** Faults by name, each done with when its promise resolves. */
  readonly faults: Readonly<Record<string, (chance: Chance) => Promise<void>>>
  /** Kills all servers, and starts them again. */
  kill(): Promise<void>
  run(): Promise<void>
  /** Keeps a copy of all data. */
  save(): Promise<void>
  /** Puts the copy back. */
  restore(): Promise<void>
  end(): Promise<void>
}

/** A broker of one server, which keeps what it has confirmed. */
function single(kind: BrokerAddress['kind'], server: TestServer): TestedBroker {
  const whileDown = async (act: () => void): Promise<void> => {
    await server.kill()
    act()
    await server.run()
  }
  return {
    address: { kind, ports: [server.port], copies: 1 },
    // nats-server sends a message to subscribers before it is in the file.
    losesAtKill: kind === 'nats' ? 'unconfirmed' : 'nothing',
    faults: {
      'kill the broker and start it again': async (chance) => {
        await server.kill()
        await sleep(chance.below(150))
        await server.run()
      },
      'stop the broker for a while': (chance) => server.stopFor(chance.below(300)),
    },
    kill: () => server.kill(),
    run: () => server.run(),
    save: () => whileDown(() => server.save()),
    restore: () => whileDown(() => server.restore()),
    end: () => server.end(),
  }
}

/** Three servers of NATS, of which one may be killed or stopped at a time. */
function natsCluster(servers: readonly TestServer[]): TestedBroker {
  const killed = async (server: TestServer, ms: number): Promise<void> => {
    await server.kill()
    await sleep(ms)
    await server.run()
  }
  const kill = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.kill()))
  }
  const run = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.run()))
  }
  const whileDown = async (act: (server: TestServer) => void): Promise<void> => {
    await kill()
    for (const server of servers) act(server)
    await run()
  }
  return {
    address: { kind: 'nats', ports: servers.map(({ port }) => port), copies: 3 },
    losesAtKill: 'nothing',
    faults: {
      'kill a server and start it again': (chance) => killed(chance.of(servers), chance.below(300)),
      'kill the leader and start it again': async (chance) => {
        const leader = await leaderOf(servers)
        await killed(leader ?? chance.of(servers), chance.below(300))
      },
      'stop a server for a while': (chance) => chance.of(servers).stopFor(chance.below(500)),
    },
    kill,
    run,
    async save() {
      await whileDown((server) => server.save())
      // A cluster without a leader stores nothing, so that the older copy would lack nothing.
      while ((await leaderOf(servers)) === undefined) await sleep(50)
    },
    restore: () => whileDown((server) => server.restore()),
    async end() {
      for (const server of servers) await server.end()
    },
  }
}

/** A primary with a replica and Sentinel. A message is acknowledged when the replica has it too. */
function redisWithSentinel(redis: RedisWithSentinel): TestedBroker {
  const { servers, sentinel } = redis
  let primary = servers[0]!
  const kill = async (): Promise<void> => {
    primary = await redis.primary()
    // Sentinel must not replace the primary meanwhile.
    await sentinel.kill()
    await Promise.all(servers.map((server) => server.kill()))
  }
  const run = async (): Promise<void> => {
    await primary.run()
    await replicaOf(primary).run(['--replicaof', `127.0.0.1 ${primary.port}`])
    await sentinel.run()
    await redis.replicated()
  }
  const replicaOf = (server: TestServer): TestServer => servers.find((other) => other !== server)!
  const whileDown = async (act: (server: TestServer) => void): Promise<void> => {
    await kill()
    for (const server of servers) act(server)
    await run()
  }
  return {
    address: { kind: 'redis-sentinel', ports: [sentinel.port, ...servers.map(({ port }) => port)], copies: 2 },
    // The primary sends a message to subscribers before its replica has it.
    losesAtKill: 'unconfirmed',
    faults: {
      'kill the primary, which Sentinel replaces': async () => redis.rejoin(await redis.failOver()),
      'kill the replica and start it again': async (chance) => {
        const replica = replicaOf(await redis.primary())
        await replica.kill()
        await sleep(chance.below(200))
        await redis.rejoin(replica)
      },
      // Sentinel replaces a primary that does not answer for 500 ms.
      'stop the primary for a while': async (chance) => (await redis.primary()).stopFor(chance.below(150)),
      'stop the replica for a while': async (chance) => replicaOf(await redis.primary()).stopFor(chance.below(300)),
    },
    kill,
    run,
    save: () => whileDown((server) => server.save()),
    restore: () => whileDown((server) => server.restore()),
    end: () => redis.end(),
  }
}

/** The leader of the stream; undefined while there is none. */
async function leaderOf(servers: readonly TestServer[]): Promise<TestServer | undefined> {
  const connection = await connect({ servers: servers.map(({ port }) => `127.0.0.1:${port}`) })
  try {
    const answer = await connection.request('$JS.API.STREAM.INFO.twoway', '', { timeout: 1000 })
    const { cluster } = answer.json<{ readonly cluster?: { readonly leader?: string } }>()
    return servers[clusterNames.indexOf(cluster?.leader ?? '')]
  } catch {
    return undefined
  } finally {
    await connection.close()
  }
}

/** The brokers by the names that the command takes. */
const testedBrokers: Readonly<Record<string, () => Promise<TestedBroker>>> = {
  nats: async () => single('nats', await startNats()),
  'nats-cluster': async () => natsCluster(await startNatsCluster()),
  async 'redis-sentinel'() {
    fetchRedisClients()
    return redisWithSentinel(await RedisWithSentinel.start())
  },
  async redis() {
    fetchRedisClients()
    return single('redis', await startRedis())
  },
}

/** Starts a broker by its name. Throws for another name. */
export async function startTestedBroker(name: string | undefined): Promise<TestedBroker> {
  const start = testedBrokers[name ?? '']
  if (start === undefined) throw new TypeError(`--broker is one of: ${Object.keys(testedBrokers).join(', ')}`)
  return start()
}
