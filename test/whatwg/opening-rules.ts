import { holds, same, throwsDom, throwsTypeError } from './expect.js'
import { freshId, logOf, next, otherTask, type Rule, type Trial } from './rule.js'

const section = '3.1 The constructor'

export const constructorRules: readonly Rule[] = [
  {
    id: 'constructor-argument',
    section,
    step: 'WebIDL 3.6',
    rule: 'without a URL it throws a TypeError',
    run(trial) {
      throwsTypeError(() => trial.make())
    },
  },
  {
    id: 'constructor-url-string',
    section,
    step: 'WebIDL 3.2.13',
    rule: 'the URL is converted to a string: a URL object is accepted, a symbol is a TypeError',
    run(trial) {
      same(trial.make(new URL(`${trial.url}/echo`)).url, `${trial.url}/echo`)
      same(trial.make({ toString: () => `${trial.url}/echo` }).url, `${trial.url}/echo`)
      throwsTypeError(() => trial.make(Symbol('no')))
    },
  },
  {
    id: 'constructor-order',
    section,
    step: 'WebIDL 3.6',
    rule: 'both arguments are converted before either is checked',
    run(trial) {
      throwsTypeError(() => trial.make('ftp://localhost/', [Symbol('no')]))
    },
  },
  {
    id: 'constructor-relative',
    section,
    step: '1, 2',
    rule: 'a relative URL is resolved against the base URL',
    needs: ['baseUrl'],
    run(trial) {
      holds(/^wss?:.*\/echo$/.test(trial.make('/echo').url), 'it is resolved')
    },
  },
  {
    id: 'constructor-no-base',
    section,
    step: '1 to 3',
    rule: 'a relative URL is a SyntaxError if there is no base URL',
    needs: ['noBaseUrl'],
    run(trial) {
      for (const url of ['', '/echo', 'echo', '//localhost', 'undefined']) {
        throwsDom('SyntaxError', () => trial.make(url))
      }
    },
  },
  {
    id: 'constructor-unparsable',
    section,
    step: '3',
    rule: 'an invalid URL is a SyntaxError',
    run(trial) {
      for (const url of ['ws://', 'ws://a b/', 'ws://localhost:65536/', 'http://[1/', 'ws://%00/']) {
        throwsDom('SyntaxError', () => trial.make(url))
      }
    },
  },
  {
    id: 'constructor-http',
    section,
    step: '4, 5',
    rule: 'http becomes ws, and https wss',
    async run(trial) {
      const socket = trial.make(`${trial.url.replace('ws:', 'http:')}/echo`)
      same(socket.url, `${trial.url}/echo`)
      await next(socket, 'open')
      same(trial.make('https://127.0.0.1:1/a?b').url, 'wss://127.0.0.1:1/a?b')
    },
  },
  {
    id: 'constructor-scheme',
    section,
    step: '6',
    rule: 'any other scheme is a SyntaxError',
    run(trial) {
      for (const url of ['ftp://localhost/', 'mailto:a@b', 'about:blank', 'file:///a', 'data:,a', 'wsx://a/']) {
        throwsDom('SyntaxError', () => trial.make(url))
      }
    },
  },
  {
    id: 'constructor-fragment',
    section,
    step: '7',
    rule: 'a fragment is a SyntaxError, even an empty one',
    run(trial) {
      for (const fragment of ['#', '#a']) throwsDom('SyntaxError', () => trial.make(`${trial.url}/${fragment}`))
      same(trial.make(`${trial.url}/%23a`).url, `${trial.url}/%23a`)
    },
  },
  {
    id: 'constructor-protocol-string',
    section,
    step: '8',
    rule: 'a string is one subprotocol; null, a number and so on become strings',
    async run(trial) {
      const id = freshId()
      const socket = await trial.opened(`/record?id=${id}`, 'chat')
      same(socket.protocol, 'chat')
      socket.close()
      same((await trial.recorded(id)).headers['sec-websocket-protocol'], 'chat')
      for (const protocols of [null, 5, true]) {
        const other = trial.make(`${trial.url}/echo`, protocols)
        await next(other, 'open')
        same(other.protocol, String(protocols))
      }
    },
  },
  {
    id: 'constructor-protocol-default',
    section,
    step: '8',
    rule: 'undefined, an empty sequence and a missing argument offer no subprotocol',
    async run(trial) {
      for (const more of [[], [undefined], [[]]]) {
        const id = freshId()
        const socket = trial.make(`${trial.url}/record?id=${id}`, ...more)
        await next(socket, 'open')
        socket.close()
        same((await trial.recorded(id)).headers['sec-websocket-protocol'], undefined)
      }
    },
  },
  {
    id: 'constructor-protocol-sequence',
    section,
    step: 'WebIDL 3.2.25',
    rule: 'any iterable object is a sequence of subprotocols, each converted to a string',
    async run(trial) {
      for (const protocols of [['a', 5], new Set(['a', '5']), new Map([['a', 1]]).keys()]) {
        const socket = trial.make(`${trial.url}/echo`, protocols)
        await next(socket, 'open')
        same(socket.protocol, 'a')
      }
      throwsTypeError(() => trial.make(`${trial.url}/echo`, [Symbol('no')]))
    },
  },
  {
    id: 'constructor-protocol-token',
    section,
    step: '9',
    rule: 'a subprotocol that is not a token is a SyntaxError',
    run(trial) {
      for (const wrong of ['', ' ', 'a b', 'a,b', 'ä', 'a\n', '"a"', 'a/b', '{a}', '\u007f']) {
        throwsDom('SyntaxError', () => trial.connect('/echo', wrong))
        throwsDom('SyntaxError', () => trial.connect('/echo', ['right', wrong]))
      }
    },
  },
  {
    id: 'constructor-protocol-twice',
    section,
    step: '9',
    rule: 'a subprotocol listed twice is a SyntaxError',
    run(trial) {
      throwsDom('SyntaxError', () => trial.connect('/echo', ['a', 'b', 'a']))
    },
  },
  {
    id: 'constructor-protocol-case',
    section,
    step: '9',
    rule: 'subprotocols are case-sensitive',
    async run(trial) {
      same((await trial.opened('/echo', ['chat', 'Chat'])).protocol, 'chat')
    },
  },
  {
    id: 'constructor-url',
    section,
    step: '10',
    rule: 'url is the URL as it was parsed and serialised',
    run(trial) {
      for (const [given, url] of [
        ['WS://LOCALHOST:80', 'ws://localhost/'],
        ['wss://localhost:443/a/../b c?d e', 'wss://localhost/b%20c?d%20e'],
        ['ws://user:secret@localhost:1/', 'ws://user:secret@localhost:1/'],
        [' ws://[::1]:1/ ', 'ws://[::1]:1/'],
      ]) {
        same(trial.make(given).url, url)
      }
    },
  },
  {
    id: 'constructor-initial',
    section,
    step: '',
    rule: 'a new object is CONNECTING, with nothing buffered, no subprotocol, no extensions and blob for binaryType',
    run(trial) {
      const { readyState, bufferedAmount, protocol, extensions, binaryType } = trial.connect('/echo', 'chat')
      same([readyState, bufferedAmount, protocol, extensions, binaryType], [0, 0, '', '', 'blob'])
    },
  },
  {
    id: 'constructor-parallel',
    section,
    step: '12',
    rule: 'it connects in parallel: listeners added in the same task receive success and failure',
    async run(trial) {
      const good = trial.connect()
      const bad = trial.make(trial.deafUrl)
      const logs = [logOf(good), logOf(bad)]
      same(logs, [[], []])
      await Promise.all([next(good, 'open'), next(bad, 'close')])
      await otherTask()
      same(logs, [['open 1'], ['error 3', 'close 3']])
    },
  },
]

const handshake = '2.2 Opening handshake'

/** Fails unless the connection fails before it is open. */
async function failsToOpen(trial: Trial, url: string, protocols?: readonly string[]): Promise<void> {
  const socket = protocols === undefined ? trial.make(url) : trial.make(url, protocols)
  const log = logOf(socket)
  const { code, reason, wasClean } = await next(socket, 'close')
  same([code, reason, wasClean], [1006, '', false])
  same(log, ['error 3', 'close 3'])
  same([socket.protocol, socket.extensions], ['', ''])
}

export const handshakeRules: readonly Rule[] = [
  {
    id: 'handshake-request',
    section: handshake,
    step: '3 to 7',
    rule: 'the request asks for an upgrade to WebSocket version 13, with 16 fresh bytes for a key',
    async run(trial) {
      const keys = new Set<string>()
      for (let count = 0; count < 2; count++) {
        const id = freshId()
        ;(await trial.opened(`/record?id=${id}`)).close()
        const { headers } = await trial.recorded(id)
        same(headers.upgrade?.toLowerCase(), 'websocket')
        holds(/\bupgrade\b/i.test(headers.connection ?? ''), 'Connection lists Upgrade')
        same(headers['sec-websocket-version'], '13')
        const key = headers['sec-websocket-key'] ?? ''
        same([key.length, atob(key).length], [24, 16])
        keys.add(key)
      }
      same(keys.size, 2)
    },
  },
  {
    id: 'handshake-protocols',
    section: handshake,
    step: '8',
    rule: 'the subprotocols are offered in their order',
    async run(trial) {
      const id = freshId()
      ;(await trial.opened(`/record?id=${id}`, ['b', 'a', 'C'])).close()
      same((await trial.recorded(id)).headers['sec-websocket-protocol'], 'b, a, C')
    },
  },
  {
    id: 'handshake-unreachable',
    section: handshake,
    step: '11.1',
    rule: 'a network error fails the connection',
    run: (trial) => failsToOpen(trial, trial.deafUrl),
  },
  ...[200, 204, 401, 403, 404, 500, 503].map(
    (status): Rule => ({
      id: `handshake-status-${status}`,
      section: handshake,
      step: '11.1',
      rule: `the status ${status} fails the connection`,
      run: (trial) => failsToOpen(trial, `${trial.url}/refuse?status=${status}`),
    }),
  ),
  {
    id: 'handshake-redirect',
    section: handshake,
    step: '2, 11.1',
    rule: 'a redirect is not followed, and fails the connection',
    run: (trial) => failsToOpen(trial, `${trial.rawUrl}/bytes?status=302&Location=${trial.url}/echo`),
  },
  {
    id: 'handshake-protocol-chosen',
    section: handshake,
    step: '11.2, 11.3',
    rule: 'the server may choose any of the subprotocols that were offered',
    async run(trial) {
      const socket = trial.connect('/echo?choose=b', ['a', 'b', 'c'])
      let seen = ''
      socket.onopen = () => {
        seen = socket.protocol
      }
      await next(socket, 'open')
      same([seen, socket.protocol], ['b', 'b'])
    },
  },
  {
    id: 'handshake-protocol-none',
    section: handshake,
    step: '11.2',
    rule: 'the connection fails if subprotocols were offered and the server chose none',
    run: (trial) => failsToOpen(trial, `${trial.rawUrl}/bytes`, ['a']),
  },
  {
    id: 'handshake-protocol-empty',
    section: handshake,
    step: '11.2',
    rule: 'the connection fails if subprotocols were offered and the server chose the empty string',
    run: (trial) => failsToOpen(trial, `${trial.rawUrl}/bytes?Sec-WebSocket-Protocol=`, ['a']),
  },
  {
    id: 'handshake-protocol-unasked',
    section: handshake,
    step: '11.3',
    rule: 'the connection fails if the server chose a subprotocol though none was offered',
    run: (trial) => failsToOpen(trial, `${trial.rawUrl}/bytes?Sec-WebSocket-Protocol=a`),
  },
  {
    id: 'handshake-protocol-other',
    section: handshake,
    step: '11.3',
    rule: 'the connection fails if the server chose a subprotocol that was not offered, even if only the case differs',
    async run(trial) {
      for (const chosen of ['b', 'A', 'a,b']) {
        await failsToOpen(trial, `${trial.rawUrl}/bytes?Sec-WebSocket-Protocol=${chosen}`, ['a'])
      }
    },
  },
  {
    id: 'handshake-extension-unasked',
    section: handshake,
    step: '11.3',
    rule: 'the connection fails if the server uses an extension that was not offered',
    run: (trial) => failsToOpen(trial, `${trial.rawUrl}/bytes?Sec-WebSocket-Extensions=x-unheard-of`),
  },
  ...['Upgrade', 'Connection', 'Sec-WebSocket-Accept'].map(
    (field): Rule => ({
      id: `handshake-without-${field.toLowerCase()}`,
      section: handshake,
      step: '11.3',
      rule: `the connection fails if the response has no ${field}, or a wrong one`,
      async run(trial) {
        await failsToOpen(trial, `${trial.rawUrl}/bytes?omit=${field}`)
        await failsToOpen(trial, `${trial.rawUrl}/bytes?${field}=wrong`)
      },
    }),
  ),
]
