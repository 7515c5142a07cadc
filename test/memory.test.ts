import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryNetwork } from 'twoway/memory'

describe('twoway/memory', () => {
  it('connects a server and clients within the process, and separates networks', async () => {
    const network = new MemoryNetwork()
    const server = await network.serve({ port: 80, message: (socket, message) => socket.send(message) })
    const client = new network.WebSocket('ws://localhost/')
    const echoed = new Promise((resolve) => {
      client.onmessage = ({ data }) => resolve(data)
    })
    client.onopen = () => client.send('Hello WebSockets!')
    assert.equal(await echoed, 'Hello WebSockets!')
    const stranger = new new MemoryNetwork().WebSocket('ws://localhost/')
    const { code } = await new Promise<{ code: number }>((resolve) => {
      stranger.onclose = resolve
    })
    assert.equal(code, 1006)
    await server.close()
    assert.equal(client.readyState, client.CLOSED)
  })
})
