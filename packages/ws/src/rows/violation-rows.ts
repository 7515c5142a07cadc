import { once } from 'node:events'
import { brokenBy, closeOf, inner, withPair, withServer } from './harness.js'
import type { Row } from './row.js'

/** Frames that break a rule. */
export const violationRows: readonly Row[] = [
  {
    name: 'RSV1 without compression',
    result: [
      'RangeError',
      'WS_ERR_UNEXPECTED_RSV_1',
      'Invalid WebSocket frame: RSV1 must be clear',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0xc1, 0x80, 0, 0, 0, 0]),
  },
  {
    name: 'RSV2',
    result: [
      'RangeError',
      'WS_ERR_UNEXPECTED_RSV_2_3',
      'Invalid WebSocket frame: RSV2 and RSV3 must be clear',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0xa1, 0x80, 0, 0, 0, 0]),
  },
  {
    name: 'a reserved opcode',
    result: [
      'RangeError',
      'WS_ERR_INVALID_OPCODE',
      'Invalid WebSocket frame: invalid opcode 3',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x83, 0x80, 0, 0, 0, 0]),
  },
  {
    name: 'a continuation of nothing',
    result: [
      'RangeError',
      'WS_ERR_INVALID_OPCODE',
      'Invalid WebSocket frame: invalid opcode 0',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x80, 0x80, 0, 0, 0, 0]),
  },
  {
    name: 'a message within a message',
    result: [
      'RangeError',
      'WS_ERR_INVALID_OPCODE',
      'Invalid WebSocket frame: invalid opcode 2',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x01, 0x81, 0, 0, 0, 0, 97, 0x82, 0x80, 0, 0, 0, 0]),
  },
  {
    name: 'a fragmented Ping',
    result: [
      'RangeError',
      'WS_ERR_EXPECTED_FIN',
      'Invalid WebSocket frame: FIN must be set',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x09, 0x80, 0, 0, 0, 0]),
  },
  {
    name: 'a long Ping',
    result: [
      'RangeError',
      'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
      'Invalid WebSocket frame: invalid payload length 126',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x89, 0xfe, 0, 126, 0, 0, 0, 0]),
  },
  {
    name: 'an unmasked frame',
    result: [
      'RangeError',
      'WS_ERR_EXPECTED_MASK',
      'Invalid WebSocket frame: MASK must be set',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x81, 0x00]),
  },
  {
    name: 'a Close of one byte',
    result: [
      'RangeError',
      'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
      'Invalid WebSocket frame: invalid payload length 1',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x88, 0x81, 0, 0, 0, 0, 3]),
  },
  {
    name: 'a Close with a code that must not be sent',
    result: [
      'RangeError',
      'WS_ERR_INVALID_CLOSE_CODE',
      'Invalid WebSocket frame: invalid status code 1006',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xee]),
  },
  {
    name: 'a text that is not UTF-8',
    result: [
      'Error',
      'WS_ERR_INVALID_UTF8',
      'Invalid WebSocket frame: invalid UTF-8 sequence',
      [136, 2, 3, 239],
      1006,
      '',
    ],
    run: brokenBy([0x81, 0x81, 0, 0, 0, 0, 0xff]),
  },
  {
    name: 'maxPayload of a server',
    result: [
      'RangeError',
      'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
      'Max payload size exceeded',
      [136, 2, 3, 241],
      1006,
      '',
    ],
    run: brokenBy([0x81, 0x82, 0, 0, 0, 0, 97, 97], { maxPayload: 1 }),
  },
  {
    name: 'skipUTF8Validation',
    result: ['Buffer', [255], false],
    run: (W) =>
      withServer(
        W,
        { skipUTF8Validation: true },
        (server, port) =>
          new Promise((resolve) => {
            server.on('connection', (ws) =>
              ws.on('message', (data: Buffer, isBinary) => resolve(['Buffer', [...data], isBinary])),
            )
            const client = new W(`ws://127.0.0.1:${port}`)
            client.on('open', () => inner(client)._socket.write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff])))
            client.on('error', () => {})
          }),
      ),
  },
  {
    name: 'a length over 2^53',
    result: [
      'RangeError',
      'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
      'Unsupported WebSocket frame: payload length > 2^53 - 1',
      [136, 2, 3, 241],
      1006,
      '',
    ],
    run: brokenBy([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
  },
  {
    name: 'a masked frame of a server',
    result: ['RangeError', 'WS_ERR_UNEXPECTED_MASK', 'Invalid WebSocket frame: MASK must be clear', 1002],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const failed = once(client, 'error') as Promise<[NodeJS.ErrnoException]>
        const closed = closeOf(remote)
        inner(remote)._socket.write(Buffer.from([0x81, 0x80, 0, 0, 0, 0]))
        const { 0: error } = await failed
        return [error.name, error.code, error.message, (await closed)[0]]
      }),
  },
  {
    name: 'an error and its close as events of an EventTarget',
    result: [
      ['error', 'Invalid WebSocket frame: invalid opcode 3'],
      ['close', 1006, '', false],
    ],
    run: (W) =>
      withPair(
        W,
        ({ client, remote }) =>
          new Promise((resolve) => {
            const log: unknown[] = []
            remote.addEventListener('error', ({ type, message }) => log.push([type, message]))
            remote.addEventListener('close', ({ type, code, reason, wasClean }) => {
              log.push([type, code, reason, wasClean])
              resolve(log)
            })
            inner(client)._socket.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0]))
          }),
      ),
  },
]
