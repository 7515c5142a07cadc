import assert from 'node:assert/strict'
import { createPublicClient, formatEther, webSocket } from 'viem'
import { mainnet } from 'viem/chains'
import { until } from './listen.mjs'
import { startNode } from './stub-node.mjs'

// isows, by which viem loads ws, prefers the class of the platform, which Node 22 and later have.
const node = await startNode()
const client = createPublicClient({
  chain: mainnet,
  transport: webSocket(node.url, { retryCount: 0, keepAlive: { interval: 50 } }),
})
const address = `0x${'1'.repeat(40)}`
assert.equal(await client.getBlockNumber(), 7n)
assert.equal(formatEther(await client.getBalance({ address })), '1')
assert.equal((await client.getCode({ address })).length, 400_002)
await assert.rejects(client.request({ method: 'eth_missing' }), /no method/)

const blocks = []
const unwatch = client.watchBlockNumber({ onBlockNumber: (number) => blocks.push(number) })
await until(() => node.subscriptions.size > 0, 'the subscription')
node.mine()
await until(() => blocks.includes(8n), 'the block')
unwatch()
await until(() => node.subscriptions.size === 0, 'the end of the subscription')
process.exit()
