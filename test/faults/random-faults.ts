import { setTimeout as sleep } from 'node:timers/promises'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'
import { Bystander } from './bystander.js'
import { echoTrip } from './echo-trip.js'
import { FaultProcess } from './fault-process.js'
import { FaultProxy, type Faults, type Mishap } from './fault-proxy.js'
import type { FaultServer } from './fault-server-process.js'

/** Short times, so that lost connections are found within the time to recover. */
export const shortTimes = { handshakeTimeoutMs: 1000, closeTimeoutMs: 500, idleTimeoutMs: 3000 }
const clientTimes = { handshakeTimeoutMs: 1500, closeTimeoutMs: 500, patienceMs: 300 }

/** The limit of the server's descriptors, which a crowd exhausts. */
export const fewDescriptors = 256
const crowdSize = 300
const mostMs = 5000

export interface RandomFaultsOptions {
  readonly server: FaultServer
  readonly count: number
  readonly seed: number
  /** The number of concurrent faults. */
  readonly atOnce: number
  /** Milliseconds in which the server must have recovered. @default 5000 */
  readonly recoversWithinMs?: number
}

export interface FaultsReport {
  /** The count of each kind of fault. */
  readonly kinds: ReadonlyMap<string, number>
  /** The slowest echo of other clients while the server's own process ran. */
  readonly worstEchoMs: number
  /** The longest time until a client with a fault ended. */
  readonly longestTripMs: number
  /** The time until no client was left and a new one was served. */
  readonly recoveredMs: number
  /** Descriptions of broken promises. */
  readonly complaints: readonly string[]
}

type Draw = (count: number) => number

/** Pseudo-random numbers that are determined by a seed (xorshift). */
function drawsOf(seed: number): Draw {
  let state = (seed ^ 0x9e3779b9) | 1
  return (count) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % count
  }
}

const mishaps: readonly Mishap[] = ['reset', 'cut', 'swallow', 'stall', 'forget']
const messages = ['short', 'm'.repeat(126), 'long'.repeat(2000)]
/** The number of bytes in each direction before, in, and after the first messages. */
const longestWay = 9000

/** Causes random faults in connections to a server, and reports the effects on it and on its other clients. */
export async function runRandomFaults({
  server,
  count,
  seed,
  atOnce,
  recoversWithinMs = mostMs,
}: RandomFaultsOptions): Promise<FaultsReport> {
  const draw = drawsOf(seed)
  const kinds = new Map<string, number>()
  const complaints: string[] = []
  let longestTripMs = 0
  let next: Faults = {}
  const before = await server.state()
  const proxy = await FaultProxy.listen(server.port, () => next)

  /** Causes a fault of the network; the byte at which it happens determines the state of the connection. */
  async function onTheWay(mishap: Mishap, where: 'up' | 'down' | 'both', bytes: number): Promise<void> {
    const flow = { at: [bytes, mishap] as const, ...(draw(4) === 0 ? { pieceBytes: 1 + draw(200) } : {}) }
    const faults: Faults = where === 'both' ? { up: flow, down: flow } : { [where]: flow }
    // The proxy applies the faults to its next connection, so connections are made one at a time.
    const { trip } = await inTurn(async () => {
      next = faults
      const begun = proxy.accepted
      const trip = echoTrip(`ws://127.0.0.1:${proxy.port}`, { ...clientTimes, messages })
      for (let wait = 0; wait < 500 && proxy.accepted === begun; wait++) await sleep(2)
      return { trip }
    })
    const { ms, isGarbled, opened, error } = await trip
    longestTripMs = Math.max(longestTripMs, ms)
    if (isGarbled) complaints.push(`a message was garbled by ${mishap} ${where} at ${bytes}`)
    if (!opened && error === '') complaints.push(`no reason was told for ${mishap} ${where} at ${bytes}`)
  }
  let turn: Promise<unknown> = Promise.resolve()
  function inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const result = turn.then(act)
    turn = result
    return result
  }

  /** A client whose process is stopped, then continued and killed. */
  async function stoppedClient(): Promise<void> {
    const client = new FaultProcess('fault-client', [server.url])
    await Promise.race([client.said(), sleep(mostMs)]).catch(() => {})
    client.stop()
    await sleep(draw(200))
    await client.kill()
  }

  /** Briefly opens more connections than the server has descriptors. */
  async function crowd(): Promise<void> {
    const peers = Array.from({ length: crowdSize }, () => new RawSocket(server.port))
    await sleep(200)
    for (const peer of peers) peer.destroy()
  }

  function befall(): Promise<void> {
    const dice = draw(100)
    if (dice < 3) return counted('a stopped client', stoppedClient())
    if (dice < 5) return counted('descriptors run out', crowd())
    const mishap = mishaps[draw(mishaps.length)]!
    const where = (['up', 'down', 'both'] as const)[draw(3)]!
    const bytes = draw(2) === 0 ? draw(400) : draw(longestWay)
    const name = where === 'both' && mishap === 'swallow' ? 'a blackhole' : `${mishap} ${where}`
    return counted(name, onTheWay(mishap, where, bytes))
  }
  async function counted(name: string, fault: Promise<void>): Promise<void> {
    kinds.set(name, (kinds.get(name) ?? 0) + 1)
    await fault
  }

  const bystander = await Bystander.join(server.port)
  bystander.begin()
  let left = count
  const work = async (): Promise<void> => {
    while (left-- > 0) await befall()
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  const { worstMs } = await bystander.leave()

  // The server's own process is stopped: it serves no peer meanwhile, and all of them afterwards.
  server.process.stop()
  const waiting = echoTrip(server.url, { ...clientTimes, messages })
  await sleep(1000)
  server.process.continue()
  await waiting
  kinds.set('the server is stopped', 1)

  const recovering = performance.now()
  const isServed = await server.serves()
  const after = await server.settled(0, before.descriptors, recoversWithinMs)
  const recoveredMs = performance.now() - recovering
  await proxy.close()
  if (!isServed) complaints.push('a newcomer is not served')
  if (after.connections > 0) complaints.push(`${after.connections} connections are left`)
  if (after.descriptors > before.descriptors) {
    complaints.push(`${after.descriptors} descriptors are held, ${before.descriptors} were at first`)
  }
  if (server.process.hasEnded) complaints.push('the process has ended')
  return { kinds, worstEchoMs: worstMs, longestTripMs, recoveredMs, complaints }
}
