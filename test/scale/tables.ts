import { type Cores, coresOf, type Load, loadOf, type Service } from './calculation.js'
import type { BrokerFigures, Figures } from './figures.js'

export type Language = 'en' | 'zh'

const words = {
  en: {
    measured: ({ measuredOn, machine, node, brokers }: Figures) =>
      `The figures are those of \`npm run measure:scale\` on ${measuredOn}: ${machine}, Node ${node.version.slice(1)}, ${Object.values(
        brokers,
      )
        .map(({ version }) => version)
        .join(', ')}, while the machine did other work too. Times are of the processor.`,
    figure: 'measured with messages of 128 bytes',
    publishUs: 'the broker stores a message',
    copyUs: 'the broker sends a copy to a node',
    headUs: 'the broker tells a newest position',
    openUs: 'the broker opens a topic with ninety messages for a node',
    volatileUs: 'the broker takes a volatile message',
    storedBytes: 'storage of a message',
    bytes: 'bytes',
    nodePublishUs: 'a node publishes a message, and gets it back',
    deliveryUs: 'a node sends a message to one client',
    returnUs: (topics: number) => `a node takes a client that comes back to ${topics} topics`,
    clientBytes: (topics: number) => `resident memory of a node for a client with ${topics} topics`,
    load: 'load',
    routing: { any: 'clients on any node', 'by-topic': 'each topic on one node' },
    clientsPerNode: 'clients of a node',
    topics: 'topics',
    nodesPerTopic: 'nodes that have a topic open, on average',
    topicsPerNode: 'topics that a node has open',
    publishes: 'publishes per second',
    copies: 'copies from the broker to nodes, per second',
    heads: 'comparisons of newest positions, per second',
    deliveries: 'messages that a node sends to clients, per second',
    deploy: 'in a deploy of all nodes, one after another: ',
    minutes: (seconds: number) => `takes ${Math.round(seconds / 60)} minutes`,
    returns: 'clients that come back, in all',
    opens: 'topics that nodes open, in all',
    presenceCopies: 'copies of presence messages, in all',
    cores: 'busy cores',
    node: 'each node',
    returning: 'the other nodes together, while one is drained',
    broker: (name: string) => `${name}, all together`,
    part: { publish: 'to store publishes', copies: 'to send copies', heads: 'to compare positions' },
    inDeploy: (name: string) => `${name}, in a deploy besides`,
    limit: 'limit: ',
    needed: 'needed',
    allowed: 'the limit',
    share: 'share',
    maxConnections: '`maxConnections` of a process, by default',
    maxTopics: '`maxTopics` of a hub, by default',
    memory: 'bytes for links in a node of 2 GiB, of which links may take half',
    core: 'a core of a node',
    redis: 'the one core of a Redis',
    stream: 'the core of NATS that stores the stream',
    redisDeploy: 'the one core of a Redis, during a deploy',
    nats: 'eight cores of a server of NATS',
    natsDeploy: 'eight cores of a server of NATS, during a deploy',
  },
  zh: {
    measured: ({ measuredOn, machine, node, brokers }: Figures) =>
      `以下数据由 \`npm run measure:scale\` 于 ${measuredOn} 测得：${machine}，Node ${node.version.slice(1)}，${Object.values(
        brokers,
      )
        .map(({ version }) => version)
        .join('，')}，期间机器上还有其他任务。时间均为 CPU 时间。`,
    figure: '实测（消息长 128 字节）',
    publishUs: 'broker 存储一条消息',
    copyUs: 'broker 向一个节点发送一份副本',
    headUs: 'broker 答复一次最新位置',
    openUs: 'broker 为一个节点打开一个有 90 条消息的主题',
    volatileUs: 'broker 接收一条 volatile 消息',
    storedBytes: '一条消息占用的存储',
    bytes: '字节',
    nodePublishUs: '节点发布一条消息并收回',
    deliveryUs: '节点向一个客户端发送一条消息',
    returnUs: (topics: number) => `节点接收一个重连的客户端（${topics} 个主题）`,
    clientBytes: (topics: number) => `每个客户端（${topics} 个主题）占用节点的常驻内存`,
    load: '负载',
    routing: { any: '客户端连到任意节点', 'by-topic': '同一主题集中在一个节点' },
    clientsPerNode: '每个节点的客户端数',
    topics: '主题总数',
    nodesPerTopic: '平均有多少个节点打开同一主题',
    topicsPerNode: '每个节点打开的主题数',
    publishes: '每秒发布的消息数',
    copies: 'broker 每秒发给各节点的副本数',
    heads: '每秒核对最新位置的次数',
    deliveries: '每个节点每秒发给客户端的消息数',
    deploy: '逐个更新全部节点时：',
    minutes: (seconds: number) => `耗时 ${Math.round(seconds / 60)} 分钟`,
    returns: '重连的客户端总数',
    opens: '各节点打开主题的总次数',
    presenceCopies: '在线列表消息的副本总数',
    cores: '占用的 CPU 核数',
    node: '每个节点',
    returning: '一个节点下线时，其余节点合计',
    broker: (name: string) => `${name} 合计`,
    part: { publish: '存储消息', copies: '发送副本', heads: '核对位置' },
    inDeploy: (name: string) => `更新期间 ${name} 额外占用`,
    limit: '上限：',
    needed: '需要',
    allowed: '上限值',
    share: '占比',
    maxConnections: '单个进程的 `maxConnections`（默认值）',
    maxTopics: 'hub 的 `maxTopics`（默认值）',
    memory: '2 GiB 内存的节点上 link 连接可用的内存（按一半计），单位字节',
    core: '节点的一个核',
    redis: 'Redis 唯一的工作线程（一个核）',
    stream: 'NATS 中写入该流的一个核',
    redisDeploy: '更新期间 Redis 唯一的工作线程（一个核）',
    nats: 'NATS 服务器的 8 个核',
    natsDeploy: '更新期间 NATS 服务器的 8 个核',
  },
}

const names: Readonly<Record<string, string>> = { nats: 'NATS', redis: 'Redis' }
const routings = ['any', 'by-topic'] as const

/** The tables of a service: its load, the cores that are busy, and the limits in the order in which they are reached. */
export function tablesOf(service: Omit<Service, 'routing'>, figures: Figures, language: Language): string {
  const say = words[language]
  const services = routings.map((routing): Service => ({ ...service, routing }))
  const loads = services.map(loadOf)
  const ofLoads = (name: string, read: (load: Load) => number): string =>
    row([name, ...loads.map((load) => count(read(load)))])
  const headings = routings.map((routing) => say.routing[routing])
  const { deploy } = loads[0]!
  const load = [
    ...head([say.load, ...headings]),
    ofLoads(say.clientsPerNode, ({ clientsPerNode }) => clientsPerNode),
    ofLoads(say.topics, ({ topics }) => topics),
    ofLoads(say.nodesPerTopic, ({ nodesPerTopic }) => nodesPerTopic),
    ofLoads(say.topicsPerNode, ({ topicsPerNode }) => topicsPerNode),
    ofLoads(say.publishes, ({ publishes }) => publishes),
    ofLoads(say.copies, ({ copies }) => copies),
    ofLoads(say.heads, ({ heads }) => heads),
    ofLoads(say.deliveries, ({ deliveriesPerNode }) => deliveriesPerNode),
    row([`${say.deploy}${say.minutes(deploy.seconds)}`, '', '']),
    ofLoads(`- ${say.returns}`, (each) => each.deploy.returns),
    ofLoads(`- ${say.opens}`, (each) => each.deploy.opens),
    ofLoads(`- ${say.presenceCopies}`, (each) => each.deploy.presenceCopies),
  ]
  const { node } = figures
  const brokers = Object.entries(figures.brokers)
  const ofBrokers = (name: string, read: (broker: BrokerFigures) => number, unit: string): string =>
    row([name, ...brokers.map(([, broker]) => `${read(broker) === 0 ? '< 1' : count(read(broker))} ${unit}`)])
  const measured = [
    say.measured(figures),
    '',
    ...head([say.figure, ...brokers.map(([broker]) => names[broker]!)]),
    ofBrokers(say.publishUs, ({ publishUs }) => publishUs, 'µs'),
    ofBrokers(say.copyUs, ({ copyUs }) => copyUs, 'µs'),
    ofBrokers(say.headUs, ({ headUs }) => headUs, 'µs'),
    ofBrokers(say.openUs, ({ openUs }) => openUs, 'µs'),
    ofBrokers(say.volatileUs, ({ volatileUs }) => volatileUs, 'µs'),
    ofBrokers(say.storedBytes, ({ storedBytes }) => storedBytes, say.bytes),
    row([say.nodePublishUs, ...brokers.map(([broker]) => `${count(node.publishUs[broker]!)} µs`)]),
    row([say.deliveryUs, ...brokers.map(() => `${count(node.deliveryUs)} µs`)]),
    row([say.returnUs(node.topics), ...brokers.map(() => `${count(node.returnUs)} µs`)]),
    row([say.clientBytes(node.topics), ...brokers.map(() => `${count(node.clientBytes)} ${say.bytes}`)]),
    '',
  ]
  const cores = [...head([say.cores, ...headings])]
  const ofCores = (name: string, all: readonly Cores[], read: (cores: Cores) => number): void => {
    cores.push(row([name, ...all.map((each) => decimal(read(each)))]))
  }
  for (const [broker, ofBroker] of brokers) {
    const name = names[broker]!
    const all = services.map((each) => coresOf(each, figures, broker, ofBroker))
    ofCores(say.broker(name), all, (each) => each.broker)
    ofCores(`- ${say.part.publish}`, all, (each) => each.publish)
    ofCores(`- ${say.part.copies}`, all, (each) => each.copies)
    ofCores(`- ${say.part.heads}`, all, (each) => each.heads)
    ofCores(say.inDeploy(name), all, (each) => each.deploy)
    if (broker !== brokers.at(-1)![0]) continue
    ofCores(say.node, all, (each) => each.node)
    ofCores(say.returning, all, (each) => each.returns)
  }
  const limits = services.flatMap((each, index) => [
    ...(index === 0 ? [] : ['']),
    ...head([`${say.limit}${headings[index]}`, say.needed, say.allowed, say.share]),
    ...limitsOf(each, figures, language).map(({ name, needed, allowed }) =>
      row([name, count(needed), count(allowed), `${count((100 * needed) / allowed)} %`]),
    ),
  ])
  return [...measured, ...load, '', ...cores, '', ...limits, ''].join('\n')
}

interface Limit {
  readonly name: string
  readonly needed: number
  readonly allowed: number
}

/** The limits, the one that is reached first before the others. */
function limitsOf(service: Service, figures: Figures, language: Language): Limit[] {
  const say = words[language]
  const load = loadOf(service)
  const cores = (name: string): Cores => coresOf(service, figures, name, brokerOf(figures, name))
  const limits: Limit[] = [
    { name: say.maxConnections, needed: load.clientsPerNode, allowed: 10_000 },
    { name: say.maxTopics, needed: load.topicsPerNode, allowed: 10_000 },
    { name: say.memory, needed: load.clientsPerNode * figures.node.clientBytes, allowed: 1 << 30 },
    { name: say.core, needed: Math.max(cores('nats').node, cores('redis').node), allowed: 1 },
    { name: say.redis, needed: cores('redis').broker, allowed: 1 },
    { name: say.redisDeploy, needed: cores('redis').broker + cores('redis').deploy, allowed: 1 },
    { name: say.stream, needed: cores('nats').publish, allowed: 1 },
    { name: say.nats, needed: cores('nats').broker, allowed: 8 },
    { name: say.natsDeploy, needed: cores('nats').broker + cores('nats').deploy, allowed: 8 },
  ]
  return limits.sort((one, other) => other.needed / other.allowed - one.needed / one.allowed)
}

function brokerOf({ brokers }: Figures, name: string): BrokerFigures {
  return brokers[name]!
}

function head(cells: readonly string[]): string[] {
  return [row(cells), `|---${'|---:'.repeat(cells.length - 1)}|`]
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

/** A number with three digits that count. */
function count(value: number): string {
  if (value < 10) return decimal(value)
  return Number(value.toPrecision(3)).toLocaleString('en-US')
}

function decimal(value: number): string {
  if (value === 0) return '0'
  return value < 0.01 ? '< 0.01' : String(Number(value.toPrecision(2)))
}
