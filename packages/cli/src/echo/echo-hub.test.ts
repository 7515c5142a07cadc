import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'twoway'
import { Link } from 'twoway/link'
import type { Server } from 'twoway/server'
import { startEchoService } from './echo-service.js'

let server: Server<never>
before(async () => {
  server = (await startEchoService({ port: 0, host: '127.0.0.1' } as never)) as unknown as Server<never>
})
after(() => server.close())

describe('the topics of the echo service', () => {
  it('are for clients that offer twoway.1; all others get their echo', async () => {
    const links = ['Ann', 'Bob'].map((name) => new Link(server.url, { token: () => ({ name }) }))
    const got: unknown[] = []
    try {
      await new Promise<void>((resolve) => {
        links[1]!.subscribe('room.1', ({ data, from }) => got.push([from, data]), { started: () => resolve() })
      })
      await links[0]!.publish('room.1', 'hi')
      while (got.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      assert.deepEqual(got, [['Ann', 'hi']])
      assert.equal(await links[0]!.request('echo', 'x'), 'x')
      const plain = new WebSocket(server.url, ['chat'])
      const echoed = await new Promise((resolve) => {
        plain.onopen = () => plain.send('plain')
        plain.onmessage = ({ data }) => resolve(data)
      })
      plain.close()
      assert.equal(echoed, 'plain')
    } finally {
      for (const link of links) link.close()
    }
  })

  it('refuse settings of the echo, and a name that is too long', async () => {
    const failed = await new Promise<string>((resolve) => {
      new WebSocket(`${server.url}/?delay=10`, ['twoway.1']).onerror = ({ error }) =>
        resolve(String((error as Error | undefined)?.message))
    })
    assert.match(failed, /400/)
    const link = new Link(server.url, { token: () => ({ name: 'x'.repeat(31) }) })
    const why = await new Promise<string>((resolve) => {
      link.onStatus((status) => {
        if (status.state === 'offline') resolve(status.why)
      })
    })
    link.close()
    assert.match(why, /a name has 1 to 30 characters/)
  })
})
