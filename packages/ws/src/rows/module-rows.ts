import { thrown } from './harness.js'
import type { Row } from './row.js'

/** The exports of the module. */
export const moduleRows: readonly Row[] = [
  {
    name: 'the constants, on the class and its objects',
    result: [0, 1, 2, 3, 0, 1, 2, 3],
    run: async (W) => [
      W.CONNECTING,
      W.OPEN,
      W.CLOSING,
      W.CLOSED,
      W.prototype.CONNECTING,
      W.prototype.OPEN,
      W.prototype.CLOSING,
      W.prototype.CLOSED,
    ],
  },
  {
    name: 'the names of the module',
    result: true,
    run: async (W) =>
      W.WebSocket === W && W.Server === W.WebSocketServer && typeof W.createWebSocketStream === 'function',
  },
  { name: 'subprotocol.parse', result: ['a', 'b'], run: async (W) => [...W.subprotocol.parse('a, b')] },
  {
    name: 'subprotocol.parse of a name that comes twice',
    result: ['SyntaxError', 'The "a" subprotocol is duplicated'],
    run: async (W) => thrown(() => W.subprotocol.parse('a,a')),
  },
  {
    name: 'extension.parse',
    result: '{"x":[{"a":[true],"b":["1"]}]}',
    run: async (W) => JSON.stringify(W.extension.parse('x; a; b=1')),
  },
  { name: 'extension.format', result: 'x; a; b=1', run: async (W) => W.extension.format({ x: [{ a: true, b: 1 }] }) },
  {
    name: 'Sender.frame',
    result: [129, 2, 104, 105],
    run: async (W) => [
      ...Buffer.concat(
        W.Sender.frame(Buffer.from('hi'), { fin: true, opcode: 1, mask: false, readOnly: true, rsv1: false }),
      ),
    ],
  },
]
