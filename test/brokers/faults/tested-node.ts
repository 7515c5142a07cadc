import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from 'twoway-testing/peers/free-ports.js'
import type { Chance } from 'twoway-testing/topic-faults/chance.js'
import { FaultProxy, type Mishap } from '../../faults/fault-proxy.js'
import { Child } from './child.js'
import type { BrokerAddress } from './connect-broker.js'
import type { NodeConfig, NodeFigures, NodeOrder } from './node.js'

/** A node that the suite kills, and its connections to the broker, which go through fault proxies. */
export class TestedNode {
  readonly port: number
  readonly #proxies: readonly FaultProxy[]
  readonly #config: NodeConfig
  readonly #isCut: { value: boolean }
  #child: Promise<Child<NodeOrder, NodeFigures>> | undefined
  /** Whether it has started and runs. */
  isUp = false

  private constructor(config: NodeConfig, proxies: readonly FaultProxy[], isCut: { value: boolean }) {
    this.port = config.port
    this.#config = config
    this.#proxies = proxies
    this.#isCut = isCut
  }

  /** @param ringCount the newest messages of a topic that the node keeps */
  static async start(address: BrokerAddress, ringCount: number): Promise<TestedNode> {
    const isCut = { value: false }
    const proxies: FaultProxy[] = []
    for (const port of address.ports) {
      proxies.push(await FaultProxy.listen(port, () => (isCut.value ? { up: { at: [0, 'reset'] } } : {})))
    }
    const own = { ...address, proxies: proxies.map(({ port }) => port) }
    const node = new TestedNode({ address: own, port: await freePort(), ringCount }, proxies, isCut)
    await node.run()
    return node
  }

  /** Starts the process. */
  async run(): Promise<void> {
    this.#child = Child.start<NodeOrder, NodeFigures>('node', this.#config)
    await this.#child
    this.isUp = true
  }

  async kill(): Promise<void> {
    this.isUp = false
    await (await this.#child!).kill()
  }

  async ask(order: NodeOrder): Promise<NodeFigures> {
    return (await this.#child!).ask(order)
  }

  async stopFor(ms: number): Promise<void> {
    const child = await this.#child!
    child.signal('SIGSTOP')
    await sleep(ms)
    child.signal('SIGCONT')
  }

  /** Cuts the node from the broker for a while: all of its connections, or one. */
  async cutBroker(chance: Chance, mishap: Mishap): Promise<void> {
    const all = this.#proxies.flatMap(({ connections }) => [...connections])
    if (all.length === 0) return
    const isWhole = chance.below(2) === 0
    this.#isCut.value = isWhole
    const cut = isWhole ? all : [chance.of(all)]
    const direction = chance.of(['up', 'down'] as const)
    for (const connection of cut) connection.befall(mishap, direction)
    await sleep(chance.below(200))
    // No network comes back with a hole in a connection.
    for (const connection of cut) connection.befall('reset')
    this.#isCut.value = false
  }

  async end(): Promise<void> {
    await this.kill()
    for (const proxy of this.#proxies) await proxy.close()
  }
}
