import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from 'twoway-testing/peers/free-ports.js'
import { questionRedis } from './redis-question.js'
import { TestServer } from './test-server.js'

type Options = readonly (string | number)[]

/** A Redis that has each write on the disk before it answers. */
export function startRedis(options: Options = []): Promise<TestServer> {
  return TestServer.start('redis-server', (port, folder) => [
    ...['--port', port, '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
    ...['--appendonly', 'yes', '--appendfsync', 'always', ...options],
  ])
}

/** Sends a command to a server, and returns what it answers, as text. */
export function askRedis(port: number, ...command: Options): string {
  const { stdout } = spawnSync('redis-cli', ['-p', String(port), ...command.map(String)], { encoding: 'utf8' })
  return stdout.trim()
}

/** The name by which Sentinel knows the primary. */
export const primaryName = 'primary'

/** A primary, its replica, and a Sentinel that replaces the primary within about a second. */
export class RedisWithSentinel {
  readonly servers: readonly TestServer[]
  readonly sentinel: TestServer

  private constructor(servers: readonly TestServer[], sentinel: TestServer) {
    this.servers = servers
    this.sentinel = sentinel
  }

  static async start(): Promise<RedisWithSentinel> {
    const primary = await startRedis(replication)
    const replica = await startRedis([...replication, '--replicaof', `127.0.0.1 ${primary.port}`])
    const sentinel = await TestServer.start('redis-server', (port, folder) => {
      const config = join(folder, 'sentinel.conf')
      const lines = [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${folder}`,
        `sentinel monitor ${primaryName} 127.0.0.1 ${primary.port} 1`,
        `sentinel down-after-milliseconds ${primaryName} 500`,
        `sentinel failover-timeout ${primaryName} 2000`,
      ]
      writeFileSync(config, lines.join('\n'))
      return [config, '--sentinel']
    })
    const made = new RedisWithSentinel([primary, replica], sentinel)
    await made.replicated()
    return made
  }

  /** The server that is the primary, as Sentinel knows. */
  async primary(): Promise<TestServer> {
    let found: TestServer | undefined
    await this.#until(async () => {
      const address = await this.#ask('GET-MASTER-ADDR-BY-NAME', primaryName)
      found = this.servers.find(({ port }) => port === Number(address.split('\n')[1]))
      return found !== undefined
    })
    return found!
  }

  /** Resolves when the primary has its replica, and Sentinel would promote it: not one that it believes to be down. */
  async replicated(): Promise<void> {
    // Sentinel, which has just started perhaps, looks at the servers every ten seconds otherwise. Its PING-PERIOD must stay a second: it
    // promotes no replica of which its knowledge is older than five of them, and asks one without a primary once a second.
    await this.#ask('DEBUG', 'INFO-PERIOD', 200)
    await this.#until(async () => {
      if ((await this.#fieldOf('flags', 'REPLICAS')) !== 'slave') return false
      if ((await this.#fieldOf('master-link-status', 'REPLICAS')) !== 'ok') return false
      const found = this.servers.map(({ port }) => questionRedis(port, 'INFO', 'replication'))
      return (await Promise.all(found)).some((text) => text.includes('state=online'))
    })
  }

  /** A field of the primary, or of its replica, as Sentinel knows it. */
  async #fieldOf(name: string, of: 'MASTER' | 'REPLICAS'): Promise<string | undefined> {
    const fields = (await this.#ask(of, primaryName)).split('\n')
    return fields[fields.indexOf(name) + 1]
  }

  #ask(...command: Options): Promise<string> {
    return questionRedis(this.sentinel.port, 'SENTINEL', ...command)
  }

  async #until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) {
      if (!this.sentinel.isRunning) throw new Error('the servers have ended')
      await sleep(20)
    }
  }

  /** Kills the primary. Resolves to the killed server when the replica is the primary. */
  async failOver(): Promise<TestServer> {
    const killed = await this.primary()
    await killed.kill()
    // Before Sentinel has ended a fail-over, a server that comes back may begin another one.
    await this.#until(
      async () => (await this.primary()) !== killed && (await this.#fieldOf('flags', 'MASTER')) === 'master',
    )
    const { port } = await this.primary()
    await this.#until(async () => (await questionRedis(port, 'INFO', 'replication')).includes('role:master'))
    return killed
  }

  /** Starts a killed server again, as the replica of the present primary. */
  async rejoin(server: TestServer): Promise<void> {
    await server.run(['--replicaof', `127.0.0.1 ${(await this.primary()).port}`])
    await this.replicated()
  }

  async end(): Promise<void> {
    for (const server of [this.sentinel, ...this.servers]) await server.end()
  }
}

/** A replica gets what it has missed at once. */
const replication = ['--repl-diskless-sync-delay', 0, '--repl-ping-replica-period', 1]

/** Three Redis servers in a cluster, without replicas. */
export async function startRedisCluster(): Promise<TestServer[]> {
  const servers = await Promise.all(
    [1, 2, 3].map(async () => {
      // The default is 10,000 above the port, which may be no port.
      const bus = await freePort()
      return startRedis(['--cluster-enabled', 'yes', '--cluster-port', bus])
    }),
  )
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`)
  const { status, stdout } = spawnSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`redis-cli could not make a cluster: ${stdout}`)
  // A server sends a PUBLISH only to those that it is linked with, and takes writes earlier than that.
  const isLinked = (node: string): boolean => node.includes(' connected') && !node.includes('handshake')
  for (const { port } of servers) {
    for (;;) {
      const nodes = askRedis(port, 'CLUSTER', 'NODES').split('\n')
      const isWhole = nodes.length === servers.length && nodes.every(isLinked)
      if (isWhole && askRedis(port, 'CLUSTER', 'INFO').includes('cluster_state:ok')) break
      await sleep(50)
    }
  }
  return servers
}
