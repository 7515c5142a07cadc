/** The user's last action, as far as the code needs it. */
export type Action =
  | { readonly kind: 'connect' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'drawing' }
  | { readonly kind: 'bulk'; readonly messages: number; readonly bytes: number }
  | { readonly kind: 'roundTrips'; readonly count: number }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }

/** The parameters of the connection. */
export interface Setup {
  readonly url: string
  readonly protocols: readonly string[]
  readonly binaryType: BinaryType
}

/** Longer texts are cut, so that the code stays readable. */
const longestText = 200

/** A program with `twoway` that repeats the action, in a browser and in Node unless it says otherwise. */
export function snippetFor(action: Action, setup: Setup): string {
  const { imports = [], setUp = [], onOpen = [], onMessage = ['console.log(event.data)'] } = parts(action, setup)
  const handler = (name: string, parameter: string, body: readonly string[]): string[] =>
    body.length === 1 && !body[0]!.includes('\n') && !/^(const|let|if) /.test(body[0]!)
      ? [`socket.${name} = ${body[0]!.includes('await') ? 'async ' : ''}(${parameter}) => ${body[0]}`]
      : [
          `socket.${name} = ${body.some((line) => line.includes('await')) ? 'async ' : ''}(${parameter}) => {`,
          ...body.map((line) => `  ${line}`),
          '}',
        ]
  return [
    "import { WebSocket } from 'twoway'",
    ...imports,
    '',
    `const socket = new WebSocket(${[quoted(setup.url), protocolsCode(setup.protocols)].filter(Boolean).join(', ')})`,
    ...(setup.binaryType === 'arraybuffer' ? ["socket.binaryType = 'arraybuffer'"] : []),
    ...setUp,
    '',
    ...handler('onopen', '', onOpen.length > 0 ? onOpen : ["console.log('open', socket.protocol)"]),
    ...handler('onmessage', 'event', onMessage),
    "socket.onerror = (event) => console.error(event.error ?? 'error')",
    'socket.onclose = ({ code, reason, wasClean }) => console.log(code, reason, wasClean)',
    '',
  ].join('\n')
}

interface Parts {
  readonly imports?: readonly string[]
  readonly setUp?: readonly string[]
  readonly onOpen?: readonly string[]
  readonly onMessage?: readonly string[]
}

function parts(action: Action, { binaryType }: Setup): Parts {
  switch (action.kind) {
    case 'connect':
      return {}
    case 'text':
      return { onOpen: [`socket.send(${quoted(cut(action.text))})`] }
    case 'file':
      return {
        imports: ["import { openAsBlob } from 'node:fs'"],
        onOpen: [`socket.send(await openAsBlob(${quoted(action.name)}))`],
      }
    case 'drawing':
      return {
        setUp: ["const context = document.querySelector('canvas').getContext('2d')"],
        onOpen: ['socket.send(context.getImageData(0, 0, 400, 320).data.buffer)'],
        onMessage: [
          `const pixels = new Uint8ClampedArray(${binaryType === 'arraybuffer' ? 'event.data' : 'await event.data.arrayBuffer()'})`,
          'context.putImageData(new ImageData(pixels, 400, 320), 0, 0)',
        ],
      }
    case 'bulk':
      return {
        onOpen: [
          action.messages === 1
            ? `socket.send(new Uint8Array(${grouped(action.bytes)}))`
            : `for (let count = 0; count < ${action.messages}; count++) socket.send(new Uint8Array(${grouped(action.bytes / action.messages)}))`,
          'const watch = setInterval(() => {',
          '  console.log(socket.bufferedAmount)',
          '  if (socket.bufferedAmount > 0) return',
          '  clearInterval(watch)',
          "  console.log('sent')",
          '}, 10)',
        ],
        onMessage: [`console.log(event.data.${binaryType === 'arraybuffer' ? 'byteLength' : 'size'})`],
      }
    case 'roundTrips':
      return {
        setUp: [
          'const times = []',
          'let sentAt = 0',
          'const ping = () => {',
          '  sentAt = performance.now()',
          "  socket.send('ping')",
          '}',
        ],
        onOpen: ['ping()'],
        onMessage: [
          'times.push(performance.now() - sentAt)',
          `if (times.length < ${action.count}) return ping()`,
          'times.sort((a, b) => a - b)',
          'const percentile = (share) => times[Math.ceil(share * times.length) - 1]',
          "console.log('p50', percentile(0.5), 'p99', percentile(0.99))",
        ],
      }
    case 'close':
      return { onOpen: [`socket.close(${action.code}${action.reason ? `, ${quoted(action.reason)}` : ''})`] }
  }
}

function protocolsCode(protocols: readonly string[]): string {
  return protocols.length === 0 ? '' : `[${protocols.map(quoted).join(', ')}]`
}

function cut(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text
}

/** A literal in single quotes. */
function quoted(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1)
  return `'${inner.replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

function grouped(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, '_')
}
