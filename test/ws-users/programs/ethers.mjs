import assert from 'node:assert/strict'
import { formatEther, WebSocketProvider } from 'ethers'
import { until } from './listen.mjs'
import { startNode } from './stub-node.mjs'

const node = await startNode()
const provider = new WebSocketProvider(node.url)
const address = `0x${'1'.repeat(40)}`
assert.equal((await provider.getNetwork()).chainId, 1n)
assert.equal(await provider.getBlockNumber(), 7)
assert.equal(formatEther(await provider.getBalance(address)), '1.0')
assert.equal((await provider.getCode(address)).length, 400_002)
await assert.rejects(provider.send('eth_missing', []), /no method/)

const blocks = []
await provider.on('block', (number) => blocks.push(number))
await until(() => node.subscriptions.size > 0, 'the subscription')
node.mine()
await until(() => blocks.includes(8), 'the block')
await provider.destroy()
process.exit()
