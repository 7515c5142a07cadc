import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { networks } from 'twoway-testing/peers/networks.js'
import { noMemoryTuning } from './add-metrics.js'
import type { ServeOptions } from './handler-types.js'
import { attachServer, startServer } from './listening-server.js'
import type { ServerPorts } from './server-settings.js'

const network = networks.find(({ name }) => name === 'memory')!

/** A runtime whose tuning is a number. */
function tuned() {
  const state = { on: 1 }
  const ports: ServerPorts = {
    ...network.serverPorts,
    memoryTuning: {
      switchOff: () => {
        state.on = 0
      },
      counts: () => ({ ...noMemoryTuning, on: state.on }),
    },
  }
  return { ports, state }
}

const serve = (ports: ServerPorts, options: ServeOptions<undefined> = {}) => startServer({ port: 0, ...options }, ports)

describe('the option tuneMemory', () => {
  it('tunes memory by default, and metrics report it', async () => {
    const { ports } = tuned()
    for (const options of [{}, { tuneMemory: true }, { tuneMemory: undefined }]) {
      await using server = await serve(ports, options)
      assert.equal(server.metrics().memoryTuning.on, 1)
    }
  })

  it('switches it off for all servers if one says false, and none switches it on again', async () => {
    const { ports } = tuned()
    await using first = await serve(ports)
    await using second = await serve(ports, { tuneMemory: false })
    await using third = await serve(ports, { tuneMemory: true })
    assert.deepEqual(
      [first, second, third].map((server) => server.metrics().memoryTuning.on),
      [0, 0, 0],
    )
  })

  it('switches it off by attach', async () => {
    const { ports, state } = tuned()
    const listener = { port: 0, address: '', encrypted: false, leave: async () => {}, close: async () => {} }
    await using _ = attachServer({ tuneMemory: false }, ports, () => listener)
    assert.equal(state.on, 0)
  })

  it('changes nothing if the options are refused', async () => {
    const { ports, state } = tuned()
    await assert.rejects(serve(ports, { tuneMemory: false, maxConnections: 0 }), { code: 'optionInvalid' })
    await assert.rejects(serve(ports, { tuneMemory: 0 as never }), /tuneMemory must be true or false, not 0/)
    assert.equal(state.on, 1)
  })

  it('is accepted if the runtime has nothing to tune', async () => {
    await using server = await serve(network.serverPorts, { tuneMemory: false })
    assert.deepEqual(server.metrics().memoryTuning, noMemoryTuning)
  })
})
