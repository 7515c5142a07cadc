import { once } from 'node:events'
import { WebSocketServer } from 'ws'

/** A node of Ethereum with one block a call of `mine`, as far as a client asks for them. */
export async function startNode() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const subscriptions = new Map()
  let number = 7
  const hex = (value) => `0x${value.toString(16)}`
  const block = () => ({
    number: hex(number),
    hash: `0x${number.toString(16).padStart(64, '0')}`,
    parentHash: `0x${'0'.repeat(64)}`,
    timestamp: hex(1_700_000_000 + number),
    nonce: `0x${'0'.repeat(16)}`,
    difficulty: '0x0',
    gasLimit: '0x1c9c380',
    gasUsed: '0x0',
    miner: `0x${'0'.repeat(40)}`,
    extraData: '0x',
    baseFeePerGas: '0x1',
    transactions: [],
  })
  const methods = {
    eth_chainId: () => '0x1',
    net_version: () => '1',
    eth_blockNumber: () => hex(number),
    eth_getBalance: () => hex(10n ** 18n),
    eth_getBlockByNumber: block,
    eth_getBlockByHash: block,
    eth_getCode: () => `0x${'60'.repeat(200_000)}`,
    eth_subscribe(socket) {
      const id = hex(subscriptions.size + 1)
      subscriptions.set(id, socket)
      return id
    },
    eth_unsubscribe: (_socket, id) => subscriptions.delete(id),
  }
  const answer = (socket, { id, method, params = [] }) =>
    Object.hasOwn(methods, method)
      ? { jsonrpc: '2.0', id, result: methods[method](socket, ...params) }
      : { jsonrpc: '2.0', id, error: { code: -32601, message: `no method ${method}` } }
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      const asked = JSON.parse(data)
      const answers = [asked].flat().map((each) => answer(socket, each))
      socket.send(JSON.stringify(Array.isArray(asked) ? answers : answers[0]))
    })
  })
  return {
    url: `ws://127.0.0.1:${server.address().port}`,
    subscriptions,
    mine() {
      number += 1
      for (const [subscription, socket] of subscriptions) {
        const params = { subscription, result: block() }
        socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params }))
      }
    },
  }
}
