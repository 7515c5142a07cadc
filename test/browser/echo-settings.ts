import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type EchoProcess, startEcho, startTwoway } from '../echo-process.js'
import { launchChromium } from './debian-chromium.js'

/** The actions of a page on one WebSocket. */
interface Script {
  readonly query: string
  readonly protocols?: readonly string[]
  /** Sent once it is open. */
  readonly send?: readonly string[]
  /** The page closes after this number of messages, or of milliseconds; without either it waits for the service to close. */
  readonly count?: number
  readonly ms?: number
}

/** The results. */
interface Outcome {
  readonly opened: boolean
  readonly failed: boolean
  readonly protocol: string
  readonly extensions: string
  readonly messages: readonly string[]
  /** Milliseconds from the first send to the last message. */
  readonly took: number
  readonly close: readonly [code: number, reason: string, wasClean: boolean]
}

let echo: EchoProcess
let browser: Browser
let page: Page

before(async () => {
  echo = await startEcho()
  browser = await launchChromium()
  const context = await browser.newContext()
  await context.addCookies([{ name: 'session', value: 'secret', url: echo.page }])
  page = await context.newPage()
  // The only page whose policy lets it connect.
  await page.goto(echo.page)
})

after(async () => {
  await browser?.close()
  await echo?.process.kill()
})

function talk({ query, protocols = [], send = [], count, ms }: Script): Promise<Outcome> {
  const script = { url: `${echo.url}/${query}`, protocols, send, count, ms }
  return page.evaluate(
    ({ url, protocols, send, count, ms }) =>
      new Promise<Outcome>((resolve) => {
        const socket = new WebSocket(url, [...protocols])
        const messages: string[] = []
        let startedAt = 0
        let endedAt = 0
        let failed = false
        socket.onopen = () => {
          startedAt = performance.now()
          for (const message of send) socket.send(message)
          if (ms !== undefined) setTimeout(() => socket.close(1000), ms)
        }
        socket.onmessage = ({ data }) => {
          messages.push(data)
          endedAt = performance.now()
          if (messages.length === count) socket.close(1000)
        }
        socket.onerror = () => {
          failed = true
        }
        socket.onclose = ({ code, reason, wasClean }) => {
          const { protocol, extensions } = socket
          const took = endedAt - startedAt
          const close = [code, reason, wasClean] as const
          resolve({ opened: startedAt > 0, failed, protocol, extensions, messages, took, close })
        }
      }),
    script,
  )
}

/** The tolerance for a page's clock, which is coarse. */
const tickMs = 2

/** The effects of each setting in Chromium. */
const effects: { readonly [name: string]: { readonly [sentence: string]: () => Promise<void> } } = {
  delay: {
    'has each echo later': async () => {
      const { messages, took } = await talk({ query: '?delay=100', send: ['a', 'b'], count: 2 })
      assert.deepEqual(messages, ['a', 'b'])
      assert.ok(took >= 100 - tickMs)
    },
  },
  jitter: {
    'keeps their order': async () => {
      const send = Array.from({ length: 30 }, (_, index) => String(index))
      const { messages } = await talk({ query: '?jitter=20', send, count: send.length })
      assert.deepEqual(messages, send)
    },
  },
  drop: {
    'loses all with 1': async () => {
      const { messages, close } = await talk({ query: '?drop=1&close=4000&after=3', send: ['a', 'b', 'c'] })
      assert.deepEqual([messages, close], [[], [4000, '', true]])
    },
  },
  close: {
    'closes at once': async () => {
      const { failed, close } = await talk({ query: '?close=1012' })
      assert.deepEqual([failed, close], [false, [1012, '', true]])
    },
  },
  reason: {
    'closes with it': async () => {
      const { close } = await talk({ query: `?close=3000&reason=${encodeURIComponent('grüß dich')}` })
      assert.deepEqual(close, [3000, 'grüß dich', true])
    },
  },
  abort: {
    'is no clean close, behind the echo': async () => {
      const { messages, close } = await talk({ query: '?abort&after=1', send: ['a'] })
      assert.deepEqual([messages, close], [['a'], [1006, '', false]])
    },
  },
  after: {
    'closes behind so many echoes': async () => {
      const { messages, close } = await talk({ query: '?close=1012&after=2', send: ['a', 'b', 'c'] })
      assert.deepEqual(
        [messages, close],
        [
          ['a', 'b'],
          [1012, '', true],
        ],
      )
    },
    'closes after so many seconds': async () => {
      assert.deepEqual((await talk({ query: '?close=1001&after=0.1s' })).close, [1001, '', true])
    },
  },
  fragment: {
    'is put together to what was sent': async () => {
      const send = ['Grüße', '', 'x'.repeat(3000), '12345678']
      const { messages, close } = await talk({ query: '?fragment=4', send, count: send.length })
      assert.deepEqual([messages, close], [send, [1000, '', true]])
    },
  },
  deflate: {
    'is agreed on, and all comes back': async () => {
      const send = ['Hello WebSockets!'.repeat(10_000), 'b']
      const { messages, extensions } = await talk({ query: '?deflate', send, count: 2 })
      assert.match(extensions, /^permessage-deflate/)
      assert.ok(messages[0] === send[0] && messages[1] === 'b')
    },
    'is not, without it': async () => {
      assert.equal((await talk({ query: '', send: ['a'], count: 1 })).extensions, '')
    },
  },
  slow: {
    'takes its time to read': async () => {
      const { messages, took } = await talk({ query: '?slow=1000000', send: ['x'.repeat(200_000)], count: 1 })
      assert.equal(messages[0]!.length, 200_000)
      assert.ok(took >= 200 - tickMs)
    },
  },
  size: {
    'comes by itself': async () => {
      const { messages } = await talk({ query: '?size=100&rate=100', count: 3 })
      assert.ok(messages.every((message) => message.length === 100))
    },
  },
  rate: {
    'comes so often, 16 bytes each': async () => {
      const { messages, took } = await talk({ query: '?rate=100', count: 10 })
      assert.deepEqual(messages[9], '10 '.padEnd(16, '.'))
      assert.ok(took >= 90 - tickMs)
    },
  },
  ping: {
    'is answered by the browser, which tells nobody': async () => {
      const { messages, close } = await talk({ query: '?ping=10', send: ['a'], ms: 200 })
      assert.deepEqual([messages, close], [['a'], [1000, '', true]])
    },
  },
  mirror: {
    'tells the handshake, without its secrets': async () => {
      const { messages } = await talk({ query: '?mirror=request', protocols: ['chat'], count: 1 })
      const { protocols, headers } = JSON.parse(messages[0]!)
      const fields = new Map<string, string>(headers)
      assert.deepEqual(protocols, ['chat'])
      assert.equal(fields.get('origin'), new URL(echo.page).origin)
      assert.match(fields.get('user-agent')!, /Chrome/)
      assert.equal(fields.get('cookie'), 'session=***')
    },
  },
  subprotocol: {
    'chooses among those of the page': async () => {
      const script = { protocols: ['a', 'b'], send: ['x'], count: 1 }
      assert.equal((await talk({ query: '?subprotocol=b', ...script })).protocol, 'b')
      assert.equal((await talk({ query: '', ...script })).protocol, 'a')
    },
  },
  status: {
    'never opens': async () => {
      const { opened, failed, close } = await talk({ query: '?status=429' })
      assert.deepEqual([opened, failed, close], [false, true, [1006, '', false]])
    },
  },
}

describe('the echo service with Chromium as its client', () => {
  it('is tried with every setting that it lists', async () => {
    const { stdout } = await startTwoway(['echo', '--help']).ended
    const [, list] = stdout.split('Settings in the query of a URL, such as')
    const names = [...list!.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name)
    assert.deepEqual(names.sort(), Object.keys(effects).sort())
  })

  for (const [name, sentences] of Object.entries(effects)) {
    for (const [sentence, test] of Object.entries(sentences)) it(`${name} ${sentence}`, test)
  }
})
