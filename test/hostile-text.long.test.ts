import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { startTwoway } from './echo-process.js'
import { noTerminalBecause, TerminalProcess } from './terminal-process.js'

const noTerminal = noTerminalBecause()
const env = { TWOWAY_HOME: '/nonexistent', FORCE_COLOR: '1' }

/** Texts that control a terminal or deceive a reader. `MARK` shows that the text has arrived. */
const attacks: { readonly [kind: string]: string } = {
  'the title of the window': '\u001b]0;owned\u0007',
  'the clipboard, by OSC 52': '\u001b]52;c;ZXZpbA==\u0007',
  'a cleared screen': '\u001b[2J\u001b[H',
  'a colour': '\u001b[31m',
  'a device query': '\u001b[6n',
  'CSI and OSC as C1 controls': '\u009b2J\u009d0;owned\u009c',
  'a line written over': 'a\rb\b\b\u007f',
  'a carriage return and a new line': 'x\rtwoway: all is well\u0085',
  'a turned direction': '\u202egnp.exe\u202c\u2066\u2069\u200f\u061c',
  'invisible characters': 'a\u200bb\u2060c\ufeffd\u00ad',
  tags: '\u{e0041}\u{e007f}',
  'separators of lines': 'a\u2028b\u2029c',
  'a lone surrogate': 'a\ud800b',
}

/** Characters that may not reach a terminal, after our own styling and the editor's movements are removed. */
const forbidden = /(?!\ufe0f)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u

/** The sequences of picocolors, and no others. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape is what is looked for
const ownStyle = /\u001b\[(?:0|1|2|3|4|7|22|23|24|27|3[0-79]|9[0-7]|39|49)m/g

/** The sequences of node:readline that move the cursor and clear the line, which the interactive mode needs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape is what is looked for
const ownMovement = /\u001b\[(?:\d+[ABCDG]|0[JK]|1G)/g

function assertHarmless(output: string, isInteractive = false): void {
  // Our own colours come in pairs of start and end. One from a peer would be single, and must be escaped.
  const rest = output.replace(ownStyle, '').replace(isInteractive ? ownMovement : /$^/, '')
  const found = forbidden.exec(rest.replaceAll('\r\n', '\n').replace(/[\n\t]/g, ''))
  if (found === null) return
  const code = found[0].codePointAt(0)!.toString(16)
  assert.fail(`U+${code} reached the terminal: ${JSON.stringify(rest.slice(0, 3000))}`)
}

/** The characters of a text that a header can contain: Latin-1 without line ends. */
function inLatin1(text: string): string {
  return [...text].filter((character) => /[\t\u0020-\u007e\u0080-\u00ff]/.test(character)).join('')
}

const allAttacks = Object.values(attacks).join(' ')
/** Cuts a text into reasons of a Close, of at most 123 bytes. */
const reasons = [0, 3, 6, 9].map((at) =>
  Object.values(attacks)
    .slice(at, at + 3)
    .join(''),
)

const header = `MARK${inLatin1(allAttacks)}`

/** The responses of a hostile server to a handshake, by the path. ACCEPT is the correct Sec-WebSocket-Accept. */
const answers: { readonly [path: string]: string } = {
  '/status': `HTTP/1.1 403 ${header}\r\nContent-Length: 0\r\n\r\n`,
  '/body': `HTTP/1.1 500 No\r\nConnection: close\r\n\r\nMARK ${allAttacks}\r\nsecond line`,
  // A target without credentials is shown as it came.
  '/redirect': `HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ws://elsewhere/${header}\r\n\r\n`,
  '/redirect-with-password': `HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ws://user:secret@elsewhere/${header}\r\n\r\n`,
  '/not-a-url': `HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://[${header}\r\n\r\n`,
  '/upgrade': `HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: ${header}\r\n\r\n`,
  '/protocol': `HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${header}\r\n\r\n`,
  '/extension': `HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ACCEPT\r\nSec-WebSocket-Extensions: ${header}\r\n\r\n`,
  '/garbage': `\u001b]0;MARK${inLatin1(allAttacks)}\r\n\r\n`,
}

/** RFC 6455 §4.2.2. */
function acceptKey(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

let refusing: ReturnType<typeof createServer>
let talking: WebSocketServer
let refusingPort: number
let talkingPort: number
const sockets = new Set<Socket>()

before(async () => {
  refusing = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.once('data', (bytes) => {
      const path = /^\S+ (\S+)/.exec(String(bytes))?.[1] ?? ''
      const key = /^sec-websocket-key: (\S+)/im.exec(String(bytes))?.[1] ?? ''
      const answer = (answers[path] ?? '').replace('ACCEPT', acceptKey(key))
      socket.end(path === '/body' ? Buffer.from(answer) : Buffer.from(answer, 'latin1'))
    })
  })
  refusing.listen(0, '127.0.0.1')
  await once(refusing, 'listening')
  refusingPort = (refusing.address() as AddressInfo).port
  talking = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(talking, 'listening')
  talkingPort = (talking.address() as AddressInfo).port
  talking.on('connection', (socket, request) => {
    socket.on('error', () => {})
    if (request.url === '/stay') return void socket.send(`${allAttacks} MARK`)
    if (request.url?.startsWith('/reason')) return socket.close(3000, `MARK${reasons[Number(request.url.slice(7))]}`)
    for (const attack of Object.values(attacks)) socket.send(attack)
    socket.send(JSON.stringify({ [allAttacks]: allAttacks }))
    socket.send(Buffer.from(allAttacks))
    socket.send('MARK')
    socket.close(3000, 'over')
  })
})

after(() => {
  for (const socket of sockets) socket.destroy()
  refusing.close()
  for (const client of talking.clients) client.terminate()
  talking.close()
})

/** Runs the command in a terminal to its end, with redirected input. */
async function outputOf(args: readonly string[], redirect: string): Promise<string> {
  const terminal = new TerminalProcess(args, env, redirect)
  await terminal.ended
  return terminal.output
}

const url = (port: number, path: string): string => `ws://127.0.0.1:${port}${path}`

describe('hostile text does not reach a terminal', { skip: noTerminal, concurrency: 4 }, () => {
  for (const path of Object.keys(answers)) {
    it(`from the answer ${path}, by connect, connect --json and bench`, async () => {
      const target = url(refusingPort, path)
      const outputs = await Promise.all([
        outputOf(['connect', target, '--no-history'], 'COMMAND'),
        outputOf(['bench', target, '-c', '1', '-d', '0.1', '--json'], 'COMMAND'),
        // All commands print the same sentence, to different streams.
        ...(path === '/status' || path === '/body'
          ? [
              outputOf(['connect', target, '--verbose'], 'COMMAND < /dev/null > /dev/null'),
              outputOf(['connect', target, '--json'], 'COMMAND < /dev/null'),
            ]
          : []),
      ])
      for (const [index, output] of outputs.entries()) assertHarmless(output, index === 0)
      for (const output of outputs) assert.doesNotMatch(output, /secret/)
      if (/^\/(?:status|redirect)/.test(path)) for (const output of outputs) assert.match(output, /MARK/)
    })
  }

  it('from messages and their previews, by connect in each form of output', async () => {
    const target = url(talkingPort, '/')
    const forms = [
      [[], 'COMMAND < /dev/null'],
      [['--json'], 'COMMAND < /dev/null'],
      [['--verbose'], 'COMMAND < /dev/null'],
      [['--binary', 'hex'], 'COMMAND < /dev/null'],
      [['--raw'], 'COMMAND 2> /dev/null < /dev/null'],
    ] as const
    for (const output of await Promise.all(
      forms.map(([args, redirect]) => outputOf(['connect', target, ...args], redirect)),
    )) {
      assert.match(output, /MARK/)
      assertHarmless(output)
    }
    const interactive = new TerminalProcess(['connect', target, '--no-history'], env)
    await interactive.until(/MARK/)
    await interactive.ended
    assertHarmless(interactive.output, true)
  })

  it('from the reason of a close', async () => {
    for (const index of reasons.keys()) {
      const target = url(talkingPort, `/reason${index}`)
      const [interactive = '', verbose = ''] = await Promise.all([
        outputOf(['connect', target, '--no-history'], 'COMMAND'),
        outputOf(['connect', target, '--verbose'], 'COMMAND < /dev/null'),
      ])
      assert.match(verbose, /MARK/)
      assertHarmless(interactive, true)
      assertHarmless(verbose)
    }
  })

  it('from clients, by listen: their messages, reasons, targets and invalid requests', async () => {
    for (const [args, redirect] of [
      [['--no-history'], 'COMMAND'],
      [['--verbose'], 'COMMAND < /dev/null'],
      [['--json'], 'COMMAND < /dev/null'],
    ] as const) {
      const terminal = new TerminalProcess(['listen', '--port', '0', ...args], env, redirect)
      const [, port] = await terminal.until(/ws:\/\/127\.0\.0\.1:(\d+)/)
      const raw = await attackByHand(Number(port))
      raw.destroy()
      const client = new WebSocket(url(Number(port), '/%1b%c2%9b?%e2%80%ae'), ['MARK'])
      await once(client, 'open')
      for (const attack of Object.values(attacks)) client.send(attack)
      client.send(Buffer.from(allAttacks))
      client.send('MARK2')
      await terminal.until(/MARK2/)
      client.close(3000, '\u001b]0;x\u0007\u009b2J\u202eMARK3')
      await terminal.until(/MARK3/)
      if (redirect === 'COMMAND') terminal.type('\u0003')
      else await terminal.kill()
      await terminal.ended
      assertHarmless(terminal.output, redirect === 'COMMAND')
    }
  })

  it('from invalid arguments: files, options and hosts', async () => {
    const evil = '\u001b]0;x\u0007\u009b31m\u202e'
    for (const args of [
      ['connect', '1', '--ca', `/no/such${evil}`],
      ['connect', '1', `--no-${evil}`],
      ['connect', '1', '--expect', evil],
      ['connect', `ws://${evil}`],
      ['listen', '--port', '0', '--tls', '--cert', evil, '--key', evil],
      ['listen', '--port', evil],
      [evil],
    ]) {
      assertHarmless(await outputOf(args, 'COMMAND'), true)
    }
  })
})

/** Sends a handshake whose target and headers are as hostile as HTTP allows. */
async function attackByHand(port: number): Promise<Socket> {
  const { connect } = await import('node:net')
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  const fields = ['Host', 'Origin', 'Upgrade', 'Sec-WebSocket-Key', 'User-Agent'].map((name) => `${name}: ${header}`)
  socket.write(Buffer.from(`GET /${header.replaceAll(' ', '')} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`, 'latin1'))
  await once(socket, 'data')
  return socket
}

describe('a program that reads the output', () => {
  it('gets messages unchanged, and as JSON without loss', async () => {
    const plain = startTwoway(['connect', url(talkingPort, '/'), '--binary', 'hex'], { stdio: 'pipe' })
    plain.child.stdin!.end()
    const json = startTwoway(['connect', url(talkingPort, '/'), '--json'], { stdio: 'pipe' })
    json.child.stdin!.end()
    const sent = Object.values(attacks).map((attack) => attack.replaceAll(/\p{Surrogate}/gu, '\ufffd'))
    const { stdout } = await plain.ended
    assert.ok(stdout.startsWith(sent.join('\n')))
    const lines = (await json.ended).stdout.trimEnd().split('\n')
    for (const line of lines) assert.doesNotMatch(line, forbidden)
    const texts = lines
      .map((line) => JSON.parse(line))
      .filter(({ event, type }) => event === 'message' && type === 'text')
    assert.deepEqual(
      texts.slice(0, sent.length).map(({ data }) => data),
      sent,
    )
  })
})
