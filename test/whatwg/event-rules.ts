import { holds, same } from './expect.js'
import { logOf, next, otherTask, type Rule, type Socket, type Trial } from './rule.js'

const established = '4 The connection is established'
const message = '4 A message has been received'
const closing = '4 The closing handshake is started'
const closed = '4 The connection is closed'

/** Unmasked frames, as a server sends them, in hex. */
const helloFrame = '8105 68656c6c6f'
const byeClose = '8805 0fa1 627965'

/** The members of an event besides its data. */
function traitsOf(event: Event): unknown[] {
  const { bubbles, cancelable, composed, defaultPrevented } = event
  return [event.constructor.name, bubbles, cancelable, composed, defaultPrevented]
}

/** Awaits many promises, one after the other. */
async function hops(): Promise<void> {
  for (let hop = 0; hop < 25; hop++) await undefined
}

export const establishedRules: readonly Rule[] = [
  {
    id: 'open-state',
    section: established,
    step: '1, 3, 4',
    rule: 'when open is fired the state is OPEN and the subprotocol is set',
    async run(trial) {
      const socket = trial.connect('/echo', 'chat')
      let seen: unknown[] = []
      socket.onopen = () => {
        seen = [socket.readyState, socket.protocol]
      }
      await next(socket, 'open')
      same(seen, [1, 'chat'])
    },
  },
  {
    id: 'open-event',
    section: established,
    step: '4',
    rule: 'open is a plain Event that neither bubbles nor can be cancelled, with the socket for target',
    async run(trial) {
      const socket = trial.connect()
      const current = new Promise((resolve) => {
        socket.onopen = (event) => resolve([event.currentTarget === socket, event.eventPhase])
      })
      const event = await next(socket, 'open')
      same(traitsOf(event), ['Event', false, false, false, false])
      same([event.type, event.target === socket, await current], ['open', true, [true, 2]])
    },
  },
  {
    id: 'open-once',
    section: established,
    step: '4',
    rule: 'open is fired once, before any message',
    async run(trial) {
      const socket = trial.connect('/send?text=a&text=b&code=0')
      const log = logOf(socket)
      await next(socket, 'close')
      same(log, ['open 1', 'message a', 'message b', 'close 3'])
    },
  },
  {
    id: 'open-await',
    section: established,
    step: '4',
    rule: 'code that awaits open receives a message that arrived with it',
    async run(trial) {
      const socket = trial.connectRaw(helloFrame, '&joined=1')
      await next(socket, 'open')
      await hops()
      same((await next(socket, 'message')).data, 'hello')
    },
  },
  {
    id: 'extensions',
    section: established,
    step: '2',
    rule: 'extensions is the string that the server accepted, or empty',
    async run(trial) {
      const socket = trial.connectRaw('')
      await next(socket, 'open')
      same(socket.extensions, '')
    },
  },
]

export const messageRules: readonly Rule[] = [
  {
    id: 'message-event',
    section: message,
    step: '3',
    rule: 'message is a MessageEvent that neither bubbles nor can be cancelled',
    async run(trial) {
      const event = await next(trial.connect('/send?text=a'), 'message')
      holds(event instanceof MessageEvent, 'it is a MessageEvent')
      same(traitsOf(event), ['MessageEvent', false, false, false, false])
    },
  },
  {
    id: 'message-origin',
    section: message,
    step: '3',
    rule: 'its origin is that of the URL, with ws or wss',
    async run(trial) {
      const { origin } = await next(trial.make(`${trial.url.replace('ws:', 'http:')}/send?text=a`), 'message')
      same(origin, trial.url)
    },
  },
  {
    id: 'message-rest',
    section: message,
    step: '3',
    rule: 'it has no lastEventId, no source and no ports',
    async run(trial) {
      const event = (await next(trial.connect('/send?text=a'), 'message')) as unknown as MessageEvent
      same([event.lastEventId, event.source, [...event.ports]], ['', null, []])
    },
  },
  {
    id: 'message-text',
    section: message,
    step: '2, text',
    rule: 'the data of a text is a string, including its byte order mark',
    async run(trial) {
      const socket = await trial.opened()
      for (const text of ['', 'grüß 字 😀', '\ufeffa', '\u0000']) {
        socket.send(text)
        same((await next(socket, 'message')).data, text)
      }
    },
  },
  {
    id: 'message-blob',
    section: message,
    step: '2, blob',
    rule: 'the data of a binary message is a Blob without a type',
    async run(trial) {
      const { data } = await next(trial.connect('/send?hex=00ff'), 'message')
      holds(data instanceof Blob, 'it is a Blob')
      same([data.type, data.size, [...new Uint8Array(await data.arrayBuffer())]], ['', 2, [0, 255]])
    },
  },
  {
    id: 'message-buffer',
    section: message,
    step: '2, arraybuffer',
    rule: 'or an ArrayBuffer of exactly these bytes, which is not shared',
    async run(trial) {
      const socket = trial.connect('/send?hex=00ff&hex=00ff&hex=')
      socket.binaryType = 'arraybuffer'
      const seen: ArrayBuffer[] = []
      socket.onmessage = ({ data }) => {
        holds(data instanceof ArrayBuffer, 'it is an ArrayBuffer')
        new Uint8Array(data).forEach((byte, at, bytes) => {
          same(byte, [0, 255][at])
          bytes[at] = 7
        })
        seen.push(data)
      }
      while (seen.length < 3) await next(socket, 'message')
      same(
        seen.map(({ byteLength }) => byteLength),
        [2, 2, 0],
      )
    },
  },
  {
    id: 'message-fragments',
    section: message,
    step: '',
    rule: 'fragments are one message, even with a ping between them',
    async run(trial) {
      const socket = trial.connectRaw('0103 e5ad97 8900 0002 c3a4 8001 21 0201 01 8001 02')
      socket.binaryType = 'arraybuffer'
      const seen: unknown[] = []
      socket.onmessage = ({ data }) => seen.push(typeof data === 'string' ? data : [...new Uint8Array(data)])
      while (seen.length < 2) await next(socket, 'message')
      same(seen, ['字ä!', [1, 2]])
    },
  },
  {
    id: 'message-tasks',
    section: message,
    step: 'queue a task',
    rule: 'each message has its own task: promises run between two that arrived in one read',
    async run(trial) {
      const socket = trial.connectRaw(`${helloFrame} 8101 61 8101 62 8101 63`)
      const log: string[] = []
      socket.onmessage = async ({ data }) => {
        log.push(`${data} begins`)
        await hops()
        log.push(`${data} ends`)
        if (data === 'c') socket.close()
      }
      await next(socket, 'close')
      same(
        log,
        ['hello', 'a', 'b', 'c'].flatMap((text) => [`${text} begins`, `${text} ends`]),
      )
    },
  },
  {
    id: 'message-await',
    section: message,
    step: 'queue a task',
    rule: 'code that awaits one message after another loses none that arrived in one read',
    async run(trial) {
      const socket = trial.connectRaw('8101 61 8101 62 8101 63 8101 64', '&joined=1')
      let text = ''
      while (text.length < 4) text += (await next(socket, 'message')).data
      same(text, 'abcd')
    },
  },
  {
    id: 'message-binary-type',
    section: message,
    step: '2',
    rule: 'binaryType is read in the task of each message',
    async run(trial) {
      const socket = trial.connectRaw('8201 01 8201 02 8201 03')
      const seen: boolean[] = []
      socket.onmessage = async ({ data }) => {
        seen.push(data instanceof ArrayBuffer)
        if (seen.length === 1) socket.binaryType = 'arraybuffer'
        await undefined
        if (seen.length === 2) socket.binaryType = 'blob'
      }
      while (seen.length < 3) await next(socket, 'message')
      same(seen, [false, true, false])
    },
  },
  {
    id: 'message-not-open',
    section: message,
    step: '1',
    rule: 'no message is fired once the state is not OPEN, even if it arrived before',
    async run(trial) {
      const socket = trial.connectRaw('8101 61 8101 62 8101 63')
      const log = logOf(socket)
      await next(socket, 'message')
      socket.close()
      await next(socket, 'close')
      same(log, ['open 1', 'message a', 'close 3'])
    },
  },
  {
    id: 'binary-type-set',
    section: '3.1 binaryType',
    step: 'WebIDL 3.2.18',
    rule: 'it accepts blob and arraybuffer and ignores other values; a symbol is a TypeError',
    run(trial) {
      const socket = trial.connect() as { binaryType: unknown }
      const set = (value: unknown): unknown => {
        socket.binaryType = value
        return socket.binaryType
      }
      same(['arraybuffer', 'Blob', '', null, 'nodebuffer', 'blob', 1].map(set), [
        ...Array(5).fill('arraybuffer'),
        'blob',
        'blob',
      ])
      same(set({ toString: () => 'arraybuffer' }), 'arraybuffer')
      let name = ''
      try {
        set(Symbol('no'))
      } catch (error) {
        name = (error as Error).name
      }
      same(name, 'TypeError')
    },
  },
]

export const closedRules: readonly Rule[] = [
  {
    id: 'closing-order',
    section: closing,
    step: 'queue a task',
    rule: 'messages before the Close in one read are fired, while OPEN',
    async run(trial) {
      const socket = trial.connectRaw(`8101 61 8101 62 ${byeClose}`, '&then=end')
      const states: unknown[] = []
      socket.onmessage = ({ data }) => states.push(data, socket.readyState)
      const { code, reason, wasClean } = await next(socket, 'close')
      same([states, code, reason, wasClean], [['a', 1, 'b', 1], 4001, 'bye', true])
    },
  },
  {
    id: 'closing-send',
    section: closing,
    step: '',
    rule: 'messages sent after the Close arrived are dropped and count as buffered',
    async run(trial) {
      const socket = trial.connectRaw(`8101 61 8101 62 ${byeClose}`, '&then=end')
      socket.onmessage = ({ data }) => {
        if (data === 'b') socket.send('abc')
      }
      await next(socket, 'close')
      same(socket.bufferedAmount, 3)
    },
  },
  {
    id: 'closing-close',
    section: closing,
    step: '',
    rule: 'close() after the Close arrived changes neither code nor reason',
    async run(trial) {
      const socket = trial.connectRaw(`8101 61 8101 62 ${byeClose}`, '&then=end')
      socket.onmessage = ({ data }) => {
        if (data === 'b') socket.close(4999, 'mine')
      }
      const { code, reason } = await next(socket, 'close')
      same([code, reason], [4001, 'bye'])
    },
  },
  {
    id: 'closed-clean',
    section: closed,
    step: '1, 3',
    rule: 'after a closing handshake close has the peer’s code and reason, wasClean is true and there is no error',
    async run(trial) {
      for (const [more, expected] of [
        ['code=1000', [1000, '', true]],
        ['code=1001', [1001, '', true]],
        ['code=1011&reason=no', [1011, 'no', true]],
        ['code=4999&reason=%E5%86%8D%E8%A7%81', [4999, '再见', true]],
      ] as const) {
        const socket = trial.connect(`/send?${more}`)
        const log = logOf(socket)
        const { code, reason, wasClean } = await next(socket, 'close')
        same([[code, reason, wasClean], log], [expected, ['open 1', 'close 3']])
      }
    },
  },
  {
    id: 'closed-1005',
    section: closed,
    step: '3',
    rule: 'a Close without a code is 1005, and clean',
    async run(trial) {
      const { code, reason, wasClean } = await next(trial.connect('/send?code=0'), 'close')
      same([code, reason, wasClean], [1005, '', true])
    },
  },
  {
    id: 'closed-reason-bom',
    section: closed,
    step: '3',
    rule: 'a byte order mark of the reason is kept',
    async run(trial) {
      const { reason } = await next(trial.connectRaw('8806 0fa1 efbbbf 61', '&then=end'), 'close')
      same(reason, '\ufeffa')
    },
  },
  ...[
    ['end', 'ends the connection'],
    ['drop', 'drops the connection'],
  ].map(
    ([then, what]): Rule => ({
      id: `closed-${then}`,
      section: closed,
      step: '2, 3',
      rule: `where the server ${what} without a Close there is an error, and close has 1006 and is not clean`,
      async run(trial) {
        const socket = trial.connectRaw(helloFrame, `&then=${then}`)
        const log = logOf(socket)
        const { code, reason, wasClean } = await next(socket, 'close')
        same([code, reason, wasClean], [1006, '', false])
        same(log, ['open 1', 'message hello', 'error 3', 'close 3'])
      },
    }),
  ),
  ...(
    [
      ['a masked frame', '8181 00000000 61'],
      ['a reserved bit', 'c101 61'],
      ['a reserved opcode', '8301 61'],
      ['a text that is not UTF-8', '8102 c328'],
      ['a fragmented ping', '0901 61'],
      ['a ping of 126 bytes', `897e007e ${'00'.repeat(126)}`],
      ['a continuation of nothing', '8001 61'],
      ['a message within a message', '0101 61 8101 62'],
      ['a Close of one byte', '8801 03'],
      ['a Close with 1005', '8802 03ed'],
      ['a Close with 999', '8802 03e7'],
      ['a reason that is not UTF-8', '8804 03e8 c328'],
    ] as const
  ).map(
    ([what, bytes]): Rule => ({
      id: `failed-${what.replaceAll(' ', '-')}`,
      section: closed,
      step: '2, 3',
      rule: `${what} fails the connection: error, then close with 1006 and not clean`,
      async run(trial) {
        const socket = trial.connectRaw(`${helloFrame} ${bytes} ${helloFrame}`, '&then=end')
        const log = logOf(socket)
        const { code, reason, wasClean } = await next(socket, 'close')
        same([code, reason, wasClean], [1006, '', false])
        same(log, ['open 1', 'message hello', 'error 3', 'close 3'])
      },
    }),
  ),
  {
    id: 'error-event',
    section: closed,
    step: '2',
    rule: 'error is a plain Event that neither bubbles nor can be cancelled',
    async run(trial) {
      const event = await next(trial.make(trial.deafUrl), 'error')
      same(traitsOf(event), ['Event', false, false, false, false])
    },
  },
  {
    id: 'error-await',
    section: closed,
    step: '2, 3',
    rule: 'code that awaits error receives close',
    async run(trial) {
      for (const socket of [trial.make(trial.deafUrl), trial.connectRaw('8301 61')]) {
        await next(socket, 'error')
        await hops()
        same([socket.readyState, (await next(socket, 'close')).code], [3, 1006])
      }
    },
  },
  {
    id: 'close-event-traits',
    section: closed,
    step: '3',
    rule: 'close is a CloseEvent that neither bubbles nor can be cancelled',
    async run(trial) {
      const event = await next(trial.connect('/send?code=0'), 'close')
      same(traitsOf(event), ['CloseEvent', false, false, false, false])
    },
  },
  {
    id: 'closed-last',
    section: closed,
    step: '',
    rule: 'close is fired once and last, and the state stays CLOSED',
    async run(trial) {
      const socket = trial.connect('/dropper')
      const log = logOf(socket)
      await next(socket, 'open')
      socket.send('go')
      await next(socket, 'close')
      for (let count = 0; count < 5; count++) await otherTask()
      same([log, socket.readyState], [['open 1', 'error 3', 'close 3'], 3])
    },
  },
  {
    id: 'closed-keeps',
    section: closed,
    step: '',
    rule: 'url and subprotocol do not change',
    async run(trial) {
      const socket = trial.connect('/echo', 'chat')
      await next(socket, 'open')
      socket.close()
      await next(socket, 'close')
      same([socket.url, socket.protocol], [`${trial.url}/echo`, 'chat'])
    },
  },
  {
    id: 'closed-by-server',
    section: closed,
    step: '3',
    rule: 'close has the code and reason of the server’s answer to our Close',
    async run(trial) {
      const socket = await trial.opened('/closer')
      socket.send('4100 why not')
      const { code, reason, wasClean } = await next(socket, 'close')
      same([code, reason, wasClean], [4100, 'why not', true])
    },
  },
  {
    id: 'ping',
    section: '5 Ping and Pong frames',
    step: '',
    rule: 'pings and pongs are not visible',
    async run(trial) {
      const socket = trial.connectRaw(`8901 61 8a01 61 ${helloFrame}`)
      const log = logOf(socket)
      await next(socket, 'message')
      same(log, ['open 1', 'message hello'])
    },
  },
]

const trusted = 'DOM 2.9 Dispatching events'

export const dispatchRules: readonly Rule[] = [
  {
    id: 'events-trusted',
    section: trusted,
    step: '',
    rule: 'isTrusted is true for each event that is fired',
    needs: ['trustedEvents'],
    async run(trial) {
      const socket = trial.connect('/send?text=a&code=0')
      const seen = new Promise((resolve) => {
        socket.onopen = (event) => resolve((event as unknown as Event).isTrusted)
      })
      same([(await next(socket, 'close')).isTrusted, await seen], [true, true])
    },
  },
  {
    id: 'events-promises',
    section: trusted,
    step: '',
    rule: 'promises run after each listener',
    needs: ['promisesBetweenListeners'],
    async run(trial) {
      const socket = trial.connect()
      const log: string[] = []
      socket.addEventListener('open', () => {
        log.push('first')
        void Promise.resolve().then(() => log.push('promise'))
      })
      socket.addEventListener('open', () => log.push('second'))
      await next(socket, 'open')
      same(log, ['first', 'promise', 'second'])
    },
  },
  ...handlerRules(),
]

function handlerRules(): readonly Rule[] {
  const section = 'HTML 8.1.8.1 Event handlers'
  const names = ['onopen', 'onmessage', 'onerror', 'onclose'] as const
  /** An event handler attribute, to be set to whatever. */
  const handlerOf = (trial: Trial, name: (typeof names)[number]) => {
    const socket = trial.connect() as Socket & Record<string, unknown>
    return {
      socket: socket as Socket,
      set(value: unknown): unknown {
        socket[name] = value as null
        return socket[name]
      },
    }
  }
  const fire = (socket: Socket, type: string, init: { cancelable?: boolean } = {}): Event => {
    const event = new Event(type, init)
    socket.dispatchEvent(event)
    return event
  }
  return [
    {
      id: 'handler-null',
      section,
      step: '',
      rule: 'each event handler is null initially, and after it is set to null or to a value that is not an object',
      run(trial) {
        for (const name of names) {
          const { socket, set } = handlerOf(trial, name)
          same(socket[name], null)
          for (const value of [null, undefined, 5, 'text', true, Symbol('no')]) {
            holds(set(() => {}) !== null, 'a function is kept')
            same(set(value), null)
          }
        }
      },
    },
    {
      id: 'handler-function',
      section,
      step: '',
      rule: 'a function is kept, and called with the event, with the socket for this',
      run(trial) {
        for (const name of names) {
          const { socket, set } = handlerOf(trial, name)
          let seen: unknown[] = []
          function handler(this: unknown, ...parameters: unknown[]): void {
            seen = [this, ...parameters]
          }
          same(set(handler), handler)
          const event = fire(socket, name.slice(2))
          same(seen.length, 2)
          same(seen[0], socket)
          same(seen[1], event)
        }
      },
    },
    {
      id: 'handler-object',
      section,
      step: 'WebIDL 3.2.20',
      rule: 'an object that is not a function is kept and not called, even with handleEvent',
      run(trial) {
        const { socket, set } = handlerOf(trial, 'onopen')
        let isCalled = false
        const object = {
          handleEvent() {
            isCalled = true
          },
        }
        same(set(object), object)
        fire(socket, 'open')
        same(isCalled, false)
      },
    },
    {
      id: 'handler-replaced',
      section,
      step: '',
      rule: 'a handler that is replaced keeps its place among the listeners',
      run(trial) {
        const { socket, set } = handlerOf(trial, 'onmessage')
        const log: string[] = []
        set(() => log.push('never'))
        socket.addEventListener('message', () => log.push('listener'))
        set({})
        set(() => log.push('handler'))
        fire(socket, 'message')
        same(log, ['handler', 'listener'])
      },
    },
    {
      id: 'handler-reactivated',
      section,
      step: 'deactivate',
      rule: 'a handler that was null in between comes last',
      run(trial) {
        const { socket, set } = handlerOf(trial, 'onclose')
        const log: string[] = []
        set(() => log.push('never'))
        socket.addEventListener('close', () => log.push('listener'))
        set(null)
        fire(socket, 'close')
        same(log, ['listener'])
        set(() => log.push('handler'))
        fire(socket, 'close')
        same(log, ['listener', 'listener', 'handler'])
      },
    },
    {
      id: 'handler-and-listener',
      section,
      step: '',
      rule: 'one function that is both handler and listener is called twice',
      run(trial) {
        const { socket, set } = handlerOf(trial, 'onerror')
        let calls = 0
        const count = (): void => {
          calls += 1
        }
        set(count)
        socket.addEventListener('error', count)
        fire(socket, 'error')
        socket.removeEventListener('error', count)
        fire(socket, 'error')
        same(calls, 3)
      },
    },
    {
      id: 'handler-false',
      section,
      step: 'processing algorithm 5',
      rule: 'a handler that returns false cancels an event that can be cancelled; other values do not',
      run(trial) {
        for (const name of names) {
          const { socket, set } = handlerOf(trial, name)
          for (const [returned, isCancelled] of [
            [false, true],
            [true, false],
            [0, false],
            [undefined, false],
          ]) {
            set(() => returned)
            same(fire(socket, name.slice(2), { cancelable: true }).defaultPrevented, isCancelled)
            same(fire(socket, name.slice(2)).defaultPrevented, false)
          }
        }
      },
    },
    {
      id: 'handler-within',
      section,
      step: '',
      rule: 'a handler that is set while its event is dispatched is the one that is called',
      run(trial) {
        const { socket, set } = handlerOf(trial, 'onopen')
        const log: string[] = []
        socket.addEventListener('open', () => set(() => log.push('new')))
        set(() => log.push('old'))
        fire(socket, 'open')
        same(log, ['new'])
      },
    },
    {
      id: 'target-once',
      section: 'DOM 2.7 EventTarget',
      step: '',
      rule: 'listeners support once, a signal and handleEvent, and are called in order',
      async run(trial) {
        const socket = trial.connectRaw('8101 61 8101 62')
        const log: string[] = []
        const controller = new AbortController()
        socket.addEventListener('message', { handleEvent: ({ data }) => log.push(`object ${data}`) })
        socket.addEventListener('message', ({ data }) => log.push(`once ${data}`), { once: true })
        socket.addEventListener(
          'message',
          ({ data }) => {
            log.push(`signal ${data}`)
            controller.abort()
          },
          { signal: controller.signal },
        )
        await next(socket, 'message')
        await next(socket, 'message')
        same(log, ['object a', 'once a', 'signal a', 'object b'])
      },
    },
    {
      id: 'target-same',
      section: 'DOM 2.7 EventTarget',
      step: '',
      rule: 'a listener added twice is called once, and once more if it captures; it can be removed',
      run(trial) {
        const socket = trial.connect()
        let calls = 0
        const count = (): void => {
          calls += 1
        }
        for (const options of [false, true, {}, { capture: true }]) socket.addEventListener('open', count, options)
        fire(socket, 'open')
        same(calls, 2)
        socket.removeEventListener('open', count)
        fire(socket, 'open')
        same(calls, 3)
        socket.removeEventListener('open', count, { capture: true })
        fire(socket, 'open')
        same(calls, 3)
      },
    },
    {
      id: 'target-capture',
      section: 'DOM 2.7 EventTarget',
      step: '',
      rule: 'a listener that captures is removed by a third argument of true, and only by that',
      run(trial) {
        const socket = trial.connect()
        const log: string[] = []
        socket.addEventListener('open', () => log.push('called'), true)
        const listener = (): unknown => log.push('never')
        socket.addEventListener('open', listener, true)
        socket.removeEventListener('open', listener, true)
        fire(socket, 'open')
        same(log, ['called'])
      },
    },
    {
      id: 'target-stop',
      section: 'DOM 2.9 Dispatching events',
      step: '',
      rule: 'stopImmediatePropagation keeps an event from later listeners, including handlers',
      async run(trial) {
        const socket = trial.connect()
        let isCalled = false
        socket.addEventListener('open', (event) => event.stopImmediatePropagation())
        socket.onopen = () => {
          isCalled = true
        }
        await otherTask()
        await trial.until(() => socket.readyState !== 0)
        await otherTask()
        same(isCalled, false)
      },
    },
    {
      id: 'target-dispatch',
      section: 'DOM 2.9 Dispatching events',
      step: '',
      rule: 'the user’s own events reach listeners, and change nothing else',
      run(trial) {
        const socket = trial.connect()
        const log: string[] = []
        socket.onclose = (event) => log.push(`${event.type} ${(event as unknown as Event).isTrusted}`)
        fire(socket, 'close')
        same([log, socket.readyState], [['close false'], 0])
      },
    },
  ]
}
