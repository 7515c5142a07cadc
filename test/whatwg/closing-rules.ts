import { same, throwsDom, throwsTypeError } from './expect.js'
import { freshId, logOf, next, otherTask, type Rule, type Socket, type Trial } from './rule.js'

const section = '3.1 close()'

/** `close` with whatever arguments. */
function closeAny(socket: Socket, ...parameters: readonly unknown[]): void {
  socket.close(...(parameters as [number, string]))
}

/** Closes with these arguments, and tells what the server saw and what the close event said. */
async function closed(trial: Trial, ...parameters: readonly unknown[]): Promise<unknown[]> {
  const id = freshId()
  const socket = await trial.opened(`/record?id=${id}`)
  closeAny(socket, ...parameters)
  const { code, reason, wasClean } = await next(socket, 'close')
  const seen = await trial.recorded(id)
  return [seen.code, seen.reason, code, reason, wasClean]
}

export const closeRules: readonly Rule[] = [
  {
    id: 'close-code-refused',
    section,
    step: '1',
    rule: 'a code that is neither 1000 nor one from 3000 to 4999 is an InvalidAccessError, in any state',
    async run(trial) {
      const sockets = [trial.connect(), await trial.opened(), await trial.failed()]
      for (const code of [0, 1, 999, 1001, 1005, 1006, 1011, 1015, 2999, 5000, 65535, -1000]) {
        for (const socket of sockets) throwsDom('InvalidAccessError', () => socket.close(code))
      }
    },
  },
  {
    id: 'close-code-taken',
    section,
    step: '1',
    rule: '1000, 3000 and 4999 are accepted',
    async run(trial) {
      for (const code of [1000, 3000, 4999]) same(await closed(trial, code), [code, '', code, '', true])
    },
  },
  {
    id: 'close-code-clamp',
    section,
    step: 'WebIDL 3.2.4.9',
    rule: 'a code is clamped to an unsigned short and rounded, ties to even',
    async run(trial) {
      const socket = trial.connect()
      for (const code of [
        65536 + 1000,
        Number.NaN,
        null,
        '',
        'x',
        {},
        999.4,
        1000.6,
        4999.6,
        Number.POSITIVE_INFINITY,
      ]) {
        throwsDom('InvalidAccessError', () => closeAny(socket, code))
      }
      for (const [given, code] of [
        [999.5, 1000],
        [1000.5, 1000],
        ['3000', 3000],
        [3000.5, 3000],
        [3001.5, 3002],
        [{ valueOf: () => 4000 }, 4000],
      ]) {
        same(await closed(trial, given), [code, '', code, '', true])
      }
    },
  },
  {
    id: 'close-conversion',
    section,
    step: 'WebIDL 3.6',
    rule: 'both arguments are converted before either is checked; a symbol or a BigInt for a code is a TypeError',
    run(trial) {
      const socket = trial.connect()
      throwsTypeError(() => closeAny(socket, Symbol('no')))
      throwsTypeError(() => closeAny(socket, 1000n))
      throwsTypeError(() => closeAny(socket, 1, Symbol('no')))
      same(socket.readyState, 0)
    },
  },
  {
    id: 'close-reason-long',
    section,
    step: '2',
    rule: 'a reason of more than 123 bytes of UTF-8 is a SyntaxError, in any state',
    async run(trial) {
      const sockets = [trial.connect(), await trial.opened(), await trial.failed()]
      for (const reason of ['x'.repeat(124), '字'.repeat(42), '😀'.repeat(31), '\ud800'.repeat(42)]) {
        for (const socket of sockets) throwsDom('SyntaxError', () => socket.close(1000, reason))
      }
    },
  },
  {
    id: 'close-reason-longest',
    section,
    step: '2',
    rule: 'a reason of 123 bytes is accepted',
    async run(trial) {
      for (const reason of ['x'.repeat(123), '字'.repeat(41)]) {
        same(await closed(trial, 4000, reason), [4000, reason, 4000, reason, true])
      }
    },
  },
  {
    id: 'close-reason-converted',
    section,
    step: 'WebIDL 3.2.13',
    rule: 'a reason is converted to a string, in which a lone surrogate is U+FFFD',
    async run(trial) {
      same((await closed(trial, 1000, 'a\ud800'))[1], 'a\ufffd')
      same((await closed(trial, 1000, null))[1], 'null')
    },
  },
  {
    id: 'close-check-order',
    section,
    step: '1, 2',
    rule: 'the code is checked before the reason, and a refused call changes nothing',
    async run(trial) {
      const socket = await trial.opened()
      throwsDom('InvalidAccessError', () => socket.close(1, 'x'.repeat(124)))
      throwsDom('SyntaxError', () => socket.close(1000, 'x'.repeat(124)))
      same(socket.readyState, 1)
      socket.send('still open')
      same((await next(socket, 'message')).data, 'still open')
    },
  },
  {
    id: 'close-connecting',
    section,
    step: '3, not established',
    rule: 'while CONNECTING it fails the connection: CLOSING at once, then error and close 1006',
    async run(trial) {
      const socket = trial.connect()
      const log = logOf(socket)
      socket.close()
      same([socket.readyState, log], [2, []])
      const { code, reason, wasClean } = await next(socket, 'close')
      same([code, reason, wasClean, log], [1006, '', false, ['error 3', 'close 3']])
    },
  },
  {
    id: 'close-connecting-code',
    section,
    step: '3, not established',
    rule: 'the close event does not have a code that was given while CONNECTING',
    async run(trial) {
      const socket = trial.connect()
      socket.close(4000, 'bye')
      const { code, reason } = await next(socket, 'close')
      same([code, reason], [1006, ''])
    },
  },
  {
    id: 'close-open',
    section,
    step: '3, not started',
    rule: 'while OPEN it is CLOSING at once, and close comes in a later task, without error',
    async run(trial) {
      const socket = await trial.opened()
      const log = logOf(socket)
      socket.close()
      same([socket.readyState, log], [2, []])
      await Promise.resolve()
      same(log, [])
      const { wasClean } = await next(socket, 'close')
      same([wasClean, log], [true, ['close 3']])
    },
  },
  {
    id: 'close-no-body',
    section,
    step: '3, not started',
    rule: 'without arguments the Close has no body: both sides see 1005',
    async run(trial) {
      for (const parameters of [[], [undefined], [undefined, undefined]]) {
        same(await closed(trial, ...parameters), [1005, '', 1005, '', true])
      }
    },
  },
  {
    id: 'close-code-reason',
    section,
    step: '3, not started',
    rule: 'code and reason are sent in the Close',
    async run(trial) {
      same(await closed(trial, 3456, '再见'), [3456, '再见', 3456, '再见', true])
    },
  },
  {
    id: 'close-reason-alone',
    section,
    step: '3, not started',
    rule: 'a reason without a code is sent with 1000',
    async run(trial) {
      same(await closed(trial, undefined, 'bye'), [1000, 'bye', 1000, 'bye', true])
    },
  },
  {
    id: 'close-behind',
    section,
    step: '3, note',
    rule: 'earlier messages are sent before the Close',
    async run(trial) {
      const id = freshId()
      const socket = await trial.opened(`/record?id=${id}`)
      const long = 'x'.repeat(300_000)
      socket.send(long)
      socket.send(new Blob(['ab']))
      socket.send('last')
      socket.close(4000)
      const { messages, code } = await trial.recorded(id)
      same([messages, code], [[long, 'hex:6162', 'last'], 4000])
    },
  },
  {
    id: 'close-twice',
    section,
    step: '3, CLOSING or CLOSED',
    rule: 'once CLOSING or CLOSED it does nothing',
    async run(trial) {
      const id = freshId()
      const socket = await trial.opened(`/record?id=${id}`)
      const log = logOf(socket)
      socket.close(4001, 'first')
      socket.close(4002, 'second')
      await next(socket, 'close')
      socket.close(4003, 'third')
      await otherTask()
      const { code, reason } = await trial.recorded(id)
      same([code, reason, socket.readyState, log], [4001, 'first', 3, ['close 3']])
    },
  },
  {
    id: 'close-in-open',
    section,
    step: '3, not started',
    rule: 'it can be called by a listener of open',
    async run(trial) {
      const socket = trial.connect('/send?text=a')
      const log = logOf(socket)
      socket.onopen = () => socket.close(4000)
      const { code } = await next(socket, 'close')
      same([code, log], [4000, ['open 1', 'close 3']])
    },
  },
  {
    id: 'close-in-message',
    section,
    step: '3, not started',
    rule: 'after a call by a listener of message no further message is fired',
    async run(trial) {
      const socket = trial.connect('/send?text=1&text=2&text=3')
      const log = logOf(socket)
      socket.onmessage = ({ data }) => {
        if (data === '2') socket.close()
      }
      await next(socket, 'close')
      same(log, ['open 1', 'message 1', 'message 2', 'close 3'])
    },
  },
  {
    id: 'close-in-close',
    section,
    step: '3, CLOSING or CLOSED',
    rule: 'called by a listener of error or close it does nothing',
    async run(trial) {
      const socket = trial.make(trial.deafUrl)
      const log = logOf(socket)
      socket.onerror = () => socket.close()
      socket.onclose = () => socket.close()
      await next(socket, 'close')
      await otherTask()
      same(log, ['error 3', 'close 3'])
    },
  },
]
