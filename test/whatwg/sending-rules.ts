import { holds, same, throwsDom, throwsTypeError } from './expect.js'
import { freshId, next, otherTask, type Rule, type Socket, type Trial } from './rule.js'

const section = '3.1 send()'

/** Sends these, and tells what the server got. */
async function received(trial: Trial, ...messages: readonly unknown[]): Promise<readonly string[]> {
  const id = freshId()
  const socket = await trial.opened(`/record?id=${id}`)
  for (const message of messages) sendAny(socket, message)
  socket.close()
  return (await trial.recorded(id)).messages
}

/** `send` with whatever argument. */
function sendAny(socket: Socket, message: unknown): void {
  socket.send(message as string)
}

interface ResizableArrayBuffer {
  new (length: number, options: { maxByteLength: number }): ArrayBuffer
}

export const sendRules: readonly Rule[] = [
  {
    id: 'send-argument',
    section,
    step: 'WebIDL 3.6',
    rule: 'without a message it throws a TypeError, in any state',
    async run(trial) {
      for (const socket of [trial.connect(), await trial.opened(), await trial.failed()]) {
        throwsTypeError(() => (socket.send as () => void)())
      }
    },
  },
  {
    id: 'send-connecting',
    section,
    step: '1',
    rule: 'while CONNECTING it throws an InvalidStateError, and nothing counts as buffered',
    run(trial) {
      const socket = trial.connect()
      for (const message of ['a', new Blob(['a']), new Uint8Array(1), new ArrayBuffer(1)]) {
        throwsDom('InvalidStateError', () => sendAny(socket, message))
      }
      same(socket.bufferedAmount, 0)
    },
  },
  {
    id: 'send-order',
    section,
    step: 'WebIDL 3.6',
    rule: 'the message is converted before the state is checked',
    run(trial) {
      throwsTypeError(() => sendAny(trial.connect(), Symbol('no')))
    },
  },
  {
    id: 'send-returns',
    section,
    step: '',
    rule: 'it returns undefined',
    async run(trial) {
      const socket = await trial.opened()
      same(socket.send('a') as unknown, undefined)
      same(socket.close() as unknown, undefined)
    },
  },
  {
    id: 'send-text',
    section,
    step: '2, string',
    rule: 'a string is sent as text, even an empty one',
    async run(trial) {
      const texts = ['', 'a', 'grüß', '字', '😀', '\u0000', '\ufeffa', 'x'.repeat(70_000)]
      same(await received(trial, ...texts), texts)
    },
  },
  {
    id: 'send-surrogates',
    section,
    step: 'WebIDL 3.2.13',
    rule: 'a lone surrogate is sent as U+FFFD',
    async run(trial) {
      same(await received(trial, 'a\ud800b', '\udc00'), ['a\ufffdb', '\ufffd'])
    },
  },
  {
    id: 'send-converted',
    section,
    step: 'WebIDL 3.2.26',
    rule: 'a value other than a buffer or a Blob is converted to a string and sent as text',
    async run(trial) {
      const date = new Date(0)
      const object = { toString: () => 'told', valueOf: () => 'not asked' }
      const given = [5, null, undefined, true, {}, [1, [2]], 12n, object, date, () => 1]
      same(
        await received(trial, ...given),
        given.map((value) => `${value}`),
      )
    },
  },
  {
    id: 'send-symbol',
    section,
    step: 'WebIDL 3.2.26',
    rule: 'a symbol is a TypeError, and so is an object without a conversion to a string',
    async run(trial) {
      const socket = await trial.opened()
      throwsTypeError(() => sendAny(socket, Symbol('no')))
      throwsTypeError(() => sendAny(socket, Object.create(null)))
      same(socket.bufferedAmount, 0)
    },
  },
  {
    id: 'send-buffer',
    section,
    step: '2, ArrayBuffer',
    rule: 'an ArrayBuffer is sent as binary, even an empty one',
    async run(trial) {
      const buffer = Uint8Array.of(0, 1, 255).buffer
      same(await received(trial, buffer, new ArrayBuffer(0)), ['hex:0001ff', 'hex:'])
    },
  },
  {
    id: 'send-view',
    section,
    step: '2, ArrayBufferView',
    rule: 'a view is sent as binary, with only its part of the buffer',
    async run(trial) {
      const { buffer } = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
      const views = [
        new Uint8Array(buffer, 1, 2),
        new DataView(buffer, 2, 3),
        new Uint16Array(buffer, 4, 1),
        new Float64Array(buffer),
        new Uint8Array(0),
      ]
      same(await received(trial, ...views), ['hex:0203', 'hex:030405', 'hex:0506', 'hex:0102030405060708', 'hex:'])
    },
  },
  {
    id: 'send-blob',
    section,
    step: '2, Blob',
    rule: 'a Blob is sent as binary, even an empty one',
    async run(trial) {
      const blob = new Blob(['ab', Uint8Array.of(255)])
      same(await received(trial, blob, new Blob([]), blob.slice(1)), ['hex:6162ff', 'hex:', 'hex:62ff'])
    },
  },
  {
    id: 'send-in-order',
    section,
    step: '2',
    rule: 'messages are sent in the order of the calls, also after a Blob',
    async run(trial) {
      const given = ['1', new Blob(['2']), '3', Uint8Array.of(4), new Blob(['5']), '6']
      same(await received(trial, ...given), ['1', 'hex:32', '3', 'hex:04', 'hex:35', '6'])
    },
  },
  {
    id: 'send-copies',
    section,
    step: '2',
    rule: 'bytes are sent as they were at the call, even if the buffer changes later',
    async run(trial) {
      const id = freshId()
      const socket = await trial.opened(`/record?id=${id}`)
      const bytes = new Uint8Array(3)
      for (const message of [bytes, new Blob(['a']), bytes, bytes.buffer]) {
        bytes.fill(bytes[0]! + 1)
        sendAny(socket, message)
      }
      bytes.fill(99)
      socket.close()
      same((await trial.recorded(id)).messages, ['hex:010101', 'hex:61', 'hex:030303', 'hex:040404'])
    },
  },
  {
    id: 'send-detached',
    section,
    step: 'WebIDL 3.2.26',
    rule: 'a detached buffer is sent as an empty message, and so is a view of it',
    async run(trial) {
      const bytes = new Uint8Array(3)
      structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
      same(await received(trial, bytes.buffer, bytes), ['hex:', 'hex:'])
    },
  },
  {
    id: 'send-shared-view',
    section,
    step: 'WebIDL 3.2.26',
    rule: 'a view of shared memory is a TypeError',
    needs: ['sharedMemory'],
    async run(trial) {
      const socket = await trial.opened()
      const shared = new SharedArrayBuffer(2)
      throwsTypeError(() => sendAny(socket, new Uint8Array(shared)))
      throwsTypeError(() => sendAny(socket, new DataView(shared)))
    },
  },
  {
    id: 'send-shared',
    section,
    step: 'WebIDL 3.2.24',
    rule: 'a SharedArrayBuffer is not part of the union, and is sent as text',
    needs: ['sharedMemory'],
    async run(trial) {
      same(await received(trial, new SharedArrayBuffer(2)), ['[object SharedArrayBuffer]'])
    },
  },
  {
    id: 'send-resizable',
    section,
    step: 'WebIDL 3.2.26',
    rule: 'a buffer that can be resized is a TypeError, and so is a view of it',
    needs: ['resizableBuffers'],
    async run(trial) {
      const socket = await trial.opened()
      const buffer = new (ArrayBuffer as unknown as ResizableArrayBuffer)(2, { maxByteLength: 4 })
      throwsTypeError(() => sendAny(socket, buffer))
      throwsTypeError(() => sendAny(socket, new Uint8Array(buffer)))
    },
  },
  {
    id: 'send-closing',
    section,
    step: '2',
    rule: 'once CLOSING or CLOSED nothing is sent and nothing is thrown',
    async run(trial) {
      const id = freshId()
      const socket = await trial.opened(`/record?id=${id}`)
      socket.send('before')
      socket.close()
      for (const message of ['after', new Blob(['after']), new Uint8Array(1)]) sendAny(socket, message)
      await next(socket, 'close')
      socket.send('long after')
      same((await trial.recorded(id)).messages, ['before'])
    },
  },
]

const buffered = '3.1 bufferedAmount'

export const bufferedAmountRules: readonly Rule[] = [
  {
    id: 'buffered-counts',
    section: buffered,
    step: 'send() 2',
    rule: 'it grows by the UTF-8 bytes of a text, the size of a Blob, the length of a buffer or a view',
    async run(trial) {
      const socket = await trial.opened()
      const seen = ['a', 'ä字😀', '\ud800', new Blob(['abc']), new ArrayBuffer(7), new Uint16Array(2)].map(
        (message) => {
          const before = socket.bufferedAmount
          sendAny(socket, message)
          return socket.bufferedAmount - before
        },
      )
      same(seen, [1, 9, 3, 3, 7, 4])
    },
  },
  {
    id: 'buffered-view',
    section: buffered,
    step: 'send() 2',
    rule: 'only the part of the buffer within a view counts',
    async run(trial) {
      const socket = await trial.opened()
      socket.send(new Uint8Array(new ArrayBuffer(100), 10, 5))
      same(socket.bufferedAmount, 5)
    },
  },
  {
    id: 'buffered-task',
    section: buffered,
    step: '',
    rule: 'it does not fall within the task of the call, even while promises run',
    async run(trial) {
      const socket = await trial.opened()
      await otherTask()
      socket.send('abc')
      for (let hop = 0; hop < 20; hop++) await undefined
      same(socket.bufferedAmount, 3)
    },
  },
  {
    id: 'buffered-falls',
    section: buffered,
    step: '',
    rule: 'it falls to 0 as the network takes the bytes',
    async run(trial) {
      const socket = await trial.opened('/record')
      socket.send('x'.repeat(100_000))
      socket.send(new Blob(['abc']))
      holds(socket.bufferedAmount > 0, 'something is buffered')
      await trial.until(() => socket.bufferedAmount === 0)
    },
  },
  {
    id: 'buffered-waits',
    section: buffered,
    step: '',
    rule: 'bytes that wait for a server that does not read count until they are sent',
    async run(trial) {
      const id = freshId()
      const socket = await trial.opened(`/stall?id=${id}`)
      socket.send(new Uint8Array(24_000_000))
      for (let count = 0; count < 10; count++) await otherTask()
      const waiting = socket.bufferedAmount
      holds(waiting > 0 && waiting <= 24_000_000, `${waiting} bytes wait`)
      await trial.opened(`/unstall?id=${id}`)
      await trial.until(() => socket.bufferedAmount === 0)
    },
  },
  {
    id: 'buffered-closed',
    section: buffered,
    step: 'send() 2',
    rule: 'once CLOSING or CLOSED it only grows, and is not reset',
    async run(trial) {
      const socket = await trial.opened()
      socket.close()
      socket.send('ä')
      same(socket.bufferedAmount, 2)
      sendAny(socket, new Blob(['abc']))
      await next(socket, 'close')
      await otherTask()
      same(socket.bufferedAmount, 5)
      socket.send(new Uint8Array(4))
      await otherTask()
      same(socket.bufferedAmount, 9)
    },
  },
  {
    id: 'buffered-failed',
    section: buffered,
    step: 'send() 2',
    rule: 'it counts messages after a connection that never opened',
    async run(trial) {
      const socket = await trial.failed()
      same(socket.bufferedAmount, 0)
      socket.send('abc')
      same(socket.bufferedAmount, 3)
    },
  },
  {
    id: 'buffered-lost',
    section: buffered,
    step: '',
    rule: 'bytes that waited when the connection was lost stay counted',
    async run(trial) {
      const id = freshId()
      const socket = await trial.opened(`/stall?id=${id}`)
      socket.send(new Uint8Array(24_000_000))
      for (let count = 0; count < 10; count++) await otherTask()
      const waiting = socket.bufferedAmount
      const closed = next(socket, 'close')
      trial.connect(`/unstall?id=${id}&drop=1`)
      await closed
      const left = socket.bufferedAmount
      holds(left > 0 && left <= waiting, `${left} bytes of ${waiting} are left`)
      await otherTask()
      same(socket.bufferedAmount, left)
    },
  },
]
