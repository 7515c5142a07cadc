import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serve } from 'twoway/server'
import { WebSocket } from 'undici'
import { combinations } from './combinations.js'
import { echoCount, echoMessages, type StandardSocket } from './page-echo.js'

describe('permessage-deflate with undici, the WebSocket of Node', () => {
  it('works with our server at every window size', async () => {
    for (const perMessageDeflate of combinations) {
      const server = await serve({ port: 0, perMessageDeflate, message: (socket, message) => socket.send(message) })
      const told = await echoMessages(WebSocket as unknown as new (url: string) => StandardSocket, server.url)
      const options = JSON.stringify(perMessageDeflate)
      assert.match(told.extensions, /^permessage-deflate/, options)
      assert.deepEqual([told.received, told.wrong], [echoCount, undefined], options)
      await server.close()
    }
  })
})
