/**
 * The load generator, a process of its own: `node main.js ORDER`, see LoadOrder. Prints a Measurement.
 *
 * It frames and masks messages in advance and only counts the bytes of the answers, so that it costs less than the servers it drives.
 */

import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { listenForClients, listenForTopicClients } from './client-loads.js'
import type { LoadOrder, Measurement } from './load.js'
import { runRoom } from './room-loads.js'
import { runBroadcast, runEcho, runHandshakes, runIdle } from './server-loads.js'
import { Tally } from './tally.js'

async function run(order: LoadOrder): Promise<Measurement> {
  const { load, pid = 0, port = 0 } = order
  const target = { ...order, pid, port }
  switch (load.kind) {
    case 'echo':
      return runEcho(load, target)
    case 'broadcast':
      return runBroadcast(load, target)
    case 'room':
      return runRoom(load, target)
    case 'handshake':
      return runHandshakes(load, target)
    case 'idle':
      return runIdle(load, target)
    case 'topicReceives':
      return measureClient(order, (tally) => listenForTopicClients(load, order.speaks!, tally))
    case 'clientReceives':
    case 'clientSends':
      return measureClient(order, (tally) => listenForClients(load, order.identity, tally))
  }
}

async function measureClient(
  order: LoadOrder,
  listen: (tally: () => Tally | undefined) => Promise<{ readonly port: number }>,
): Promise<Measurement> {
  let tally: Tally | undefined
  const { port } = await listen(() => tally)
  print({ port })
  const [line] = (await once(createInterface(process.stdin), 'line')) as [string]
  tally = new Tally(Number(line))
  return tally.measure(order)
}

// The parent process has ended.
process.stdin.on('end', () => process.exit(1)).resume()

function print(answer: object): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

run(JSON.parse(process.argv[2]!) as LoadOrder)
  .then((measurement) => {
    print(measurement)
    process.exit()
  })
  .catch((error: Error) => {
    console.error(error.message)
    process.exit(1)
  })
