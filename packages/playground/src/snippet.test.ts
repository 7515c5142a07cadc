import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { codeTokens } from './code-tokens.js'
import { prettyJson } from './pretty-json.js'
import { type Action, type Setup, snippetFor } from './snippet.js'

const url = 'ws://127.0.0.1:8080/'
const actions: readonly Action[] = [
  { kind: 'connect' },
  { kind: 'text', text: `it's "a" \\ line\nand another: \${x} 世界` },
  { kind: 'file', name: "c'at.png" },
  { kind: 'drawing' },
  { kind: 'bulk', messages: 1, bytes: 10_000_000 },
  { kind: 'bulk', messages: 160, bytes: 10_000_000 },
  { kind: 'roundTrips', count: 100 },
  { kind: 'close', code: 1000, reason: "bye, it's late" },
  { kind: 'close', code: 3000, reason: '' },
]
const setups: readonly Setup[] = (['blob', 'arraybuffer'] as const).flatMap((binaryType) =>
  [[], ['chat', 'json']].map((protocols) => ({ url, protocols, binaryType })),
)

/** The program as a function of a WebSocket's class, without what it imports. */
function compile(code: string): (WebSocket: unknown, more: object) => void {
  const body = code.replaceAll(/^import .*$/gm, '')
  return new Function('WebSocket', 'more', `with (more) {${body}}`) as ReturnType<typeof compile>
}

/** A socket that notes what is sent and closed. */
class FakeSocket {
  static latest: FakeSocket
  readonly sent: unknown[] = []
  readonly closed: unknown[] = []
  readonly args: unknown[]
  binaryType = 'blob'
  bufferedAmount = 0
  onopen: () => unknown = () => {}
  constructor(...args: unknown[]) {
    this.args = args
    FakeSocket.latest = this
  }
  send(data: unknown): void {
    this.sent.push(data)
  }
  close(...args: unknown[]): void {
    this.closed.push(args)
  }
}

const pixels = { data: new Uint8ClampedArray(512_000) }
const surroundings = {
  document: { querySelector: () => ({ getContext: () => ({ getImageData: () => pixels }) }) },
  openAsBlob: async (name: string) => ({ name }),
  console: { log: () => {} },
}

describe('snippetFor', () => {
  for (const action of actions) {
    for (const setup of setups) {
      it(`is a program: ${JSON.stringify(action)}, ${setup.binaryType}, ${setup.protocols}`, () => {
        const code = snippetFor(action, setup)
        assert.ok(code.startsWith("import { WebSocket } from 'twoway'\n"))
        compile(code)(FakeSocket, surroundings)
        const { args, binaryType } = FakeSocket.latest
        assert.deepEqual(args, setup.protocols.length > 0 ? [url, setup.protocols] : [url])
        assert.equal(binaryType, setup.binaryType)
      })
    }
  }

  /** The events of a socket after its `open`. */
  async function toldBy(action: Action): Promise<FakeSocket> {
    compile(snippetFor(action, setups[0]!))(FakeSocket, surroundings)
    await FakeSocket.latest.onopen()
    return FakeSocket.latest
  }

  it('sends the exact text', async () => {
    const [, action] = actions as readonly [Action, { readonly kind: 'text'; readonly text: string }]
    assert.deepEqual((await toldBy(action)).sent, [action.text])
  })

  it('cuts a long text', async () => {
    const [sent] = (await toldBy({ kind: 'text', text: 'x'.repeat(100_000) })).sent as [string]
    assert.equal(sent.length, 201)
  })

  it('sends a file, a drawing and 10 MB', async () => {
    assert.deepEqual((await toldBy(actions[2]!)).sent, [{ name: "c'at.png" }])
    assert.deepEqual((await toldBy(actions[3]!)).sent, [pixels.data.buffer])
    const { sent } = await toldBy(actions[5]!)
    assert.equal(sent.length, 160)
    assert.equal(
      (sent as Uint8Array[]).reduce((sum, { length }) => sum + length, 0),
      10_000_000,
    )
  })

  it('closes with the code and the reason', async () => {
    assert.deepEqual((await toldBy(actions[7]!)).closed, [[1000, "bye, it's late"]])
    assert.deepEqual((await toldBy(actions[8]!)).closed, [[3000]])
  })
})

it('codeTokens contain the whole code', () => {
  for (const action of actions) {
    const code = snippetFor(action, setups[3]!)
    const tokens = codeTokens(code)
    assert.equal(tokens.map(({ text }) => text).join(''), code)
    assert.deepEqual(
      [...new Set(tokens.map(({ kind }) => kind))].sort(),
      [...new Set([...tokens.map(({ kind }) => kind), 'keyword', 'name', 'plain', 'string'])].sort(),
    )
  }
})

describe('prettyJson', () => {
  it('indents an object and an array', () => {
    assert.equal(prettyJson(' {"a":[1,{"b":null}]}'), '{\n  "a": [\n    1,\n    {\n      "b": null\n    }\n  ]\n}')
    assert.equal(prettyJson('[]'), '[]')
  })
  for (const text of ['', '1', '"x"', 'null', '{', '{a: 1}', 'Hello']) {
    it(`returns undefined for ${JSON.stringify(text)}`, () => assert.equal(prettyJson(text), undefined))
  }
})
