import { expect, jest, test } from '@jest/globals'
import { ping, WebSocket, WebSocketStream } from 'twoway'
import { MemoryNetwork } from 'twoway/memory'
import { serve } from 'twoway/server'
import { echo, expected } from './echo.mjs'

test('echoes with the timers of the configuration', async () => {
  expect(await echo({ serve, WebSocket, WebSocketStream, ping })).toBe(expected)
})

for (const legacyFakeTimers of [false, true]) {
  test(`echoes with fake timers installed after the import (${legacyFakeTimers ? 'legacy' : 'modern'})`, async () => {
    jest.useFakeTimers({ legacyFakeTimers })
    expect(await echo({ serve, WebSocket, WebSocketStream, ping })).toBe(expected)
    jest.useRealTimers()
  })
}

test('echoes in a network within the process', async () => {
  const network = new MemoryNetwork()
  const server = await network.serve({ port: 0, message: (socket, message) => void socket.send(message) })
  const socket = new network.WebSocket(server.url)
  const answer = new Promise((resolve) => {
    socket.onmessage = ({ data }) => resolve(data)
  })
  socket.onopen = () => socket.send('text')
  expect(await answer).toBe('text')
  await server.close()
})
