import type { BrokerFigures, Figures } from './figures.js'

/** A service that is calculated. */
export interface Service {
  readonly connections: number
  readonly nodes: number
  /** Topics that each client subscribes to. */
  readonly topicsPerClient: number
  /** Clients of each topic. */
  readonly clientsPerTopic: number
  /** Seconds between two publishes of a client. */
  readonly publishEverySeconds: number
  /** Whether the topics have presence. */
  readonly presence: boolean
  /**
   * The assignment of clients to nodes: any node, or the node of their topics, as by a hash of the room at the load balancer. A
   * client whose topics have different nodes can't have both, so this is the best case.
   */
  readonly routing: 'any' | 'by-topic'
}

/** A node compares the newest positions of its topics so often, at most so many at a time. */
const checkEverySeconds = 5
const mostChecks = 1000
/** Seconds in which a node is drained in a deploy, `withinMs` of the example, and those until the next one follows. */
const drainSeconds = 20
const betweenSeconds = 10

/** The load of a service, per second unless the name says otherwise. */
export interface Load {
  readonly clientsPerNode: number
  readonly topics: number
  /** Nodes that have a topic open, on average. */
  readonly nodesPerTopic: number
  readonly topicsPerNode: number
  readonly publishes: number
  /** Copies of stored messages from the broker to nodes. */
  readonly copies: number
  readonly deliveriesPerNode: number
  readonly heads: number
  /** In one deploy of all nodes: clients that come back; topics that nodes open; copies of presence messages. */
  readonly deploy: {
    readonly returns: number
    readonly opens: number
    readonly presenceCopies: number
    readonly seconds: number
  }
}

export function loadOf(service: Service): Load {
  const { connections, nodes, topicsPerClient, clientsPerTopic, publishEverySeconds, presence, routing } = service
  const topics = (connections * topicsPerClient) / clientsPerTopic
  // A topic is missing on a node if none of its clients is there: (1 - 1/n)^c.
  const nodesPerTopic = routing === 'any' ? nodes * (1 - (1 - 1 / nodes) ** clientsPerTopic) : 1
  const topicsPerNode = (topics * nodesPerTopic) / nodes
  const publishes = connections / publishEverySeconds
  // Each client moves once, because a load balancer by the least connections prefers the new nodes.
  const returns = connections
  return {
    clientsPerNode: connections / nodes,
    topics,
    nodesPerTopic,
    topicsPerNode,
    publishes,
    copies: publishes * nodesPerTopic,
    deliveriesPerNode: (publishes * clientsPerTopic) / nodes,
    heads: (Math.min(topicsPerNode, mostChecks) * nodes) / checkEverySeconds,
    deploy: {
      returns,
      opens: topicsPerNode * nodes,
      // A member leaves and joins.
      presenceCopies: presence ? 2 * returns * topicsPerClient * nodesPerTopic : 0,
      seconds: nodes * (drainSeconds + betweenSeconds),
    },
  }
}

/** Cores that are busy. */
export interface Cores {
  /** Of each node. */
  readonly node: number
  readonly publish: number
  readonly copies: number
  readonly heads: number
  /** Of the broker, all together. */
  readonly broker: number
  /** Of the broker in a deploy, besides. */
  readonly deploy: number
  /** Of the other nodes while one is drained, all together. */
  readonly returns: number
}

export function coresOf(service: Service, { node }: Figures, name: string, broker: BrokerFigures): Cores {
  const load = loadOf(service)
  const publish = perSecond(load.publishes, broker.publishUs)
  const copies = perSecond(load.copies, broker.copyUs)
  const heads = perSecond(load.heads, broker.headUs)
  const { deploy } = load
  const presenceMessages = deploy.presenceCopies / load.nodesPerTopic
  const deployUs =
    deploy.opens * broker.openUs + presenceMessages * broker.volatileUs + deploy.presenceCopies * broker.copyUs
  return {
    node:
      perSecond(load.deliveriesPerNode, node.deliveryUs) +
      perSecond(load.publishes / service.nodes, node.publishUs[name]!),
    publish,
    copies,
    heads,
    broker: publish + copies + heads,
    deploy: deployUs / 1e6 / deploy.seconds,
    returns: perSecond(load.clientsPerNode / drainSeconds, node.returnUs),
  }
}

function perSecond(count: number, us: number): number {
  return (count * us) / 1e6
}
