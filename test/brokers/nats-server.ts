import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from 'twoway-testing/peers/free-ports.js'
import { TestServer } from './test-server.js'

/**
 * The user `deaf` may not subscribe to topics, `mute` may not publish to them, and `private` may only use inboxes with a prefix.
 * Connections without a name are those of `all`.
 */
const users = `authorization { users: [
  { user: all, password: all },
  { user: deaf, password: deaf, permissions: { subscribe: { allow: ["_INBOX.>"] } } }
  { user: mute, password: mute, permissions: { publish: { deny: ["mute.s.>"] } } }
  { user: private, password: private, permissions: { subscribe: { deny: ["_INBOX.>"] } } }
] }
no_auth_user: all
`

function start(port?: number, cluster = ''): Promise<TestServer> {
  return TestServer.start(
    'nats-server',
    (own, folder) => {
      const config = join(folder, 'nats.conf')
      writeFileSync(config, users + cluster)
      return ['--addr', '127.0.0.1', '--port', own, '--jetstream', '--store_dir', folder, '--config', config]
    },
    port,
  )
}

/** A nats-server with JetStream. */
export function startNats(): Promise<TestServer> {
  return start()
}

/** The names of the servers of a cluster, in their order. */
export const clusterNames = ['one', 'two', 'three']

/** Three nats-servers with JetStream in a cluster. */
export async function startNatsCluster(): Promise<TestServer[]> {
  const ports = await Promise.all(clusterNames.map(() => freePort()))
  const routes = ports.map((port) => `nats-route://127.0.0.1:${port}`).join(', ')
  return Promise.all(
    clusterNames.map((name, index) =>
      start(
        undefined,
        `server_name: ${name}\ncluster { name: test, listen: "127.0.0.1:${ports[index]}", routes: [${routes}] }\n`,
      ),
    ),
  )
}
