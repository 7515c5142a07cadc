import { after } from 'node:test'
import { brokerContract } from 'twoway-testing/contracts/broker.contract.js'
import { RealWorkers } from 'twoway-testing/peers/real-workers.js'

let workers: Promise<RealWorkers> | undefined
let setups = 0

brokerContract('the parent of two worker processes', async () => {
  workers ??= RealWorkers.start()
  const started = await workers
  setups += 1
  // The processes are those of all rules, and each rule has topics of its own.
  const prefix = `rule${setups}`
  return { connect: () => started.connect(prefix), close: async () => {} }
})

after(async () => (await workers)?.close())
