import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { generate } from 'selfsigned'
import { WebSocket, WebSocketServer } from 'ws'
import { startCommandPeer } from './command-peer.js'
import { type Ending, type NodeProcess, startTwoway } from './echo-process.js'
import { ShortCommands } from './short-commands.js'
import { noTerminalBecause, TerminalProcess } from './terminal-process.js'

const folder = mkdtempSync(join(tmpdir(), 'twoway-command-'))
const env = { TWOWAY_HOME: folder, NO_COLOR: '1' }
const noTerminal = noTerminalBecause()
const commands = new ShortCommands(env)

let server: WebSocketServer
let port: number
const atEnd: (() => unknown)[] = []

before(async () => {
  ;({ server, port } = await startCommandPeer())
})

after(() => {
  for (const client of server.clients) client.terminate()
  server.close()
  for (const end of atEnd) end()
  commands.end()
  rmSync(folder, { recursive: true })
})

/** Runs `twoway connect` with this input to its end, in a process that runs many. */
function connect(args: readonly string[], input = ''): Promise<Ending> {
  return commands.run(['connect', ...args], input)
}

/** Runs `twoway connect` with this input to its end, in a process of its own. */
async function connectAlone(args: readonly string[], input: string): Promise<Ending> {
  const twoway = startTwoway(['connect', ...args], { stdio: 'pipe', env: { ...process.env, ...env } })
  twoway.child.stdin!.on('error', () => {})
  twoway.child.stdin!.end(input)
  return await twoway.ended
}

/**
 * Runs `twoway connect` with a time that is long enough on a machine that has nothing else to do, and again with twice
 * the time as long as something is missing.
 */
async function connectInTime(
  argsFor: (seconds: number) => readonly string[],
  isWhole: (ending: Ending) => boolean,
  input = '',
): Promise<Ending> {
  for (let seconds = 0.5; ; seconds *= 2) {
    const ending = await connectAlone(argsFor(seconds), input)
    if (isWhole(ending) || seconds > 20) return ending
  }
}

async function listening<Listening extends Server>(listener: Listening): Promise<number> {
  listener.listen(0, '127.0.0.1')
  atEnd.push(() => listener.close())
  await once(listener, 'listening')
  return (listener.address() as AddressInfo).port
}

/** Resolves once a process has printed text that matches. */
async function untilPrinted(twoway: NodeProcess, from: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const found = pattern.exec(twoway[from])
    if (found !== null) return found
    await Promise.race([
      once(twoway.child[from]!, 'data'),
      twoway.ended.then((ending) => {
        if (!pattern.test(ending[from])) throw new Error(`it ended: ${JSON.stringify(ending)}`)
      }),
    ])
  }
}

describe('twoway connect through pipes', { concurrency: 4 }, () => {
  it('sends lines, prints the answers, and closes after the expected number of messages', async () => {
    const { code, stdout, stderr } = await connectAlone([String(port), '--expect', '2'], 'Grüße\n{"a": 1}\n')
    assert.deepEqual([code, stdout, stderr], [0, 'Grüße\n{"a": 1}\n', ''])
  })

  it('closes when the input has ended and no more messages arrive', async () => {
    const { code, stdout } = await connectInTime(
      (seconds) => [`ws://127.0.0.1:${port}/`, '--linger', String(seconds)],
      ({ stdout }) => stdout === 'a\nb\n',
      'a\nb\n',
    )
    assert.deepEqual([code, stdout], [0, 'a\nb\n'])
  })

  it('ends with 3 if fewer messages arrive in time than it expects', async () => {
    const { code, stdout, stderr } = await connectInTime(
      (seconds) => [`${port}/three`, '--expect', '4', '--timeout', String(seconds)],
      ({ stdout }) => stdout === '1\n2\n3\n',
    )
    assert.deepEqual([code, stdout], [3, '1\n2\n3\n'])
    assert.match(stderr, /^twoway: 3 of 4 expected messages arrived within [\d.]+ s\.\n$/)
  })

  it('ends after --timeout with a clean close', async () => {
    const { code, stdout } = await connectInTime(
      (seconds) => [`${port}/three`, '--timeout', String(seconds)],
      ({ stdout }) => stdout === '1\n2\n3\n',
    )
    assert.deepEqual([code, stdout], [0, '1\n2\n3\n'])
  })

  it('prints events as lines of JSON', async () => {
    const { code, stdout } = await connect([`${port}/bytes`, '--json', '--expect', '2'], 'a\n')
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.equal(code, 0)
    for (const { at } of events) assert.ok(!Number.isNaN(Date.parse(at)))
    const kinds = events.map(({ event }) => event).sort()
    assert.deepEqual(kinds, ['close', 'message', 'message', 'open', 'sent'])
    const { at: _, ...binary } = events.find(({ type }) => type === 'binary')
    assert.deepEqual(binary, { event: 'message', type: 'binary', size: 3, encoding: 'base64', data: 'AP8Q' })
    const close = events.find(({ event }) => event === 'close')
    assert.deepEqual([close.code, close.wasClean, close.meaning], [1000, true, 'normal closure'])
  })

  for (const [form, input, output] of [
    ['hex', '00 ff 10\n', '00ff10\n'],
    ['base64', 'AP8Q\n', 'AP8Q\n'],
  ]) {
    it(`reads and prints binary in ${form}`, async () => {
      const { code, stdout } = await connect([String(port), '--binary', form!, '--expect', '1'], input)
      assert.deepEqual([code, stdout], [0, output])
    })
  }

  it('sends files as binary, and prints binary messages unchanged', async () => {
    const file = join(folder, 'bytes')
    writeFileSync(file, 'some bytes')
    const { code, stdout } = await connectAlone([String(port), '--binary', 'file', '--expect', '1'], `${file}\n`)
    assert.deepEqual([code, stdout], [0, 'some bytes'])
  })

  it('sends the given headers, subprotocols and origin', async () => {
    const args = ['-H', 'X-One: 1', '-H', 'Authorization: Bearer t', '--origin', 'https://a.example', '-s', 'b']
    const { stdout } = await connect([`${port}/headers`, '--expect', '1', ...args])
    const headers = JSON.parse(stdout)
    assert.deepEqual(
      [headers['x-one'], headers.authorization, headers.origin, headers['sec-websocket-protocol']],
      ['1', 'Bearer t', 'https://a.example', 'b'],
    )
  })

  it('accepts a port with a query as a URL', async () => {
    const { code, stdout } = await connect([`${port}?a=b`, '--expect', '1'], 'hi')
    assert.deepEqual([code, stdout], [0, 'hi\n'])
  })

  it('ends with 0 for a clean close with any code, and with 3 for an unclean one', async () => {
    const clean = await connect([`${port}/restarts`, '--verbose'])
    assert.deepEqual(
      [clean.code, clean.stderr],
      [0, 'connected\nclosed: 1012, the service restarts: come back after a while, "soon"\n'],
    )
    assert.equal((await connect([`${port}/drops`])).code, 3)
  })

  it('ends at once if its reader has gone, although the input continues', async () => {
    const twoway = startTwoway(['connect', String(port)], { stdio: 'pipe', env: { ...process.env, ...env } })
    twoway.child.stdin!.on('error', () => {})
    twoway.child.stdin!.write('a\n')
    await once(twoway.child.stdout!, 'data')
    twoway.child.stdout!.destroy()
    const typing = setInterval(() => twoway.child.stdin!.write('b\n'), 20)
    const { code } = await twoway.ended
    clearInterval(typing)
    assert.equal(code, 0)
  })

  it('closes at the first SIGINT', async () => {
    const twoway = startTwoway(['connect', String(port), '--json'], { stdio: 'pipe', env: { ...process.env, ...env } })
    await untilPrinted(twoway, 'stdout', /"open"/)
    twoway.child.kill('SIGINT')
    const { code, stdout } = await twoway.ended
    assert.equal(code, 0)
    assert.match(stdout, /"event":"close","code":1000.*"wasClean":true/)
  })

  it('connects again with --reconnect, and sends the messages that waited', async () => {
    const first = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(first, 'listening')
    const { port: ours } = first.address() as AddressInfo
    first.on('connection', (socket) => socket.close(1012))
    const args = ['connect', String(ours), '--reconnect', '--json']
    const twoway = startTwoway(args, { stdio: 'pipe', env: { ...process.env, ...env } })
    await untilPrinted(twoway, 'stdout', /"event":"retry"/)
    first.removeAllListeners('connection')
    first.on('connection', (socket) => socket.on('message', (data) => socket.send(`got ${data}`)))
    twoway.child.stdin!.write('late\n')
    await untilPrinted(twoway, 'stdout', /got late/)
    twoway.child.kill('SIGTERM')
    assert.equal((await twoway.ended).code, 0)
    first.close()
  })

  it('times Pongs with --ping-interval', async () => {
    const pong = /"event":"pong","ms":\d+(\.\d+)?\}/
    const { stdout } = await connectInTime(
      (seconds) => [String(port), '--ping-interval', '0.1', '--timeout', String(seconds), '--json'],
      ({ stdout }) => pong.test(stdout),
    )
    assert.match(stdout, pong)
  })

  it('ends with 3 if a Ping is not answered, and says so', async () => {
    const { code, stderr } = await connect([`${port}/silent`, '--ping-interval', '0.1', '--ping-timeout', '0.2'])
    assert.deepEqual([code, stderr], [3, 'twoway: no Pong arrived within 0.2 s: the server is considered dead.\n'])
  })

  it('ends with 3 if a Ping is not answered, though the Close is', async () => {
    const deaf = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false })
    await once(deaf, 'listening')
    const args = [String((deaf.address() as AddressInfo).port), '--ping-interval', '0.1', '--ping-timeout', '0.2']
    const { code, stdout } = await connect([...args, '--json'])
    deaf.close()
    assert.equal(code, 3)
    assert.match(stdout, /"event":"error","message":"no Pong arrived[^\n]+\n.*"event":"close".*"wasClean":true/)
  })
})

describe("twoway connect says why it can't connect, and what to try, with exit code 2:", () => {
  async function fails(url: string, sentence: string | RegExp, ...args: readonly string[]): Promise<Ending> {
    const ending = await connect([url, ...args])
    const { code, stdout, stderr } = ending
    assert.deepEqual([code, stdout], [2, ''], stderr)
    if (typeof sentence === 'string') assert.equal(stderr.split('\n')[0], `twoway: ${sentence}.`)
    else assert.match(stderr, sentence)
    return ending
  }

  it('a refused connection', async () => {
    const listener = createServer()
    const free = await listening(listener)
    await new Promise((resolve) => listener.close(resolve))
    await fails(
      String(free),
      `can't connect to 127.0.0.1:${free}: no server listens there; start the server, or check the host and port`,
    )
    const proxy = `http://127.0.0.1:${free}`
    await fails(
      String(port),
      new RegExp(`^twoway: can't connect to the proxy 127\\.0\\.0\\.1:${free}: no server`),
      '--proxy',
      proxy,
    )
  })

  it('a host name that does not exist', async () => {
    await fails(
      'ws://no-such-name.invalid/',
      /no-such-name\.invalid:80: the host name (does not exist|could not be looked up)/,
    )
  })

  it('a refusal with 403', async () => {
    await fails(
      `${port}/forbidden`,
      `127.0.0.1:${port} refused the handshake with 403 Forbidden: access is forbidden: it may need credentials with --header, or another --origin`,
    )
  })

  it('a plain web server', async () => {
    const web = await listening(createHttpServer((_, response) => response.end('<html>hello')))
    await fails(
      `${web}/chat`,
      `127.0.0.1:${web} answered /chat as an ordinary web server (200), not as a WebSocket server: check the path of the URL`,
    )
  })

  it('a redirect', async () => {
    const web = await listening(createHttpServer((_, response) => response.writeHead(302, { Location: '/x' }).end()))
    await fails(String(web), `127.0.0.1:${web} redirects (302): connect to /x`)
  })

  it('an untrusted certificate, which --ca or --insecure accepts', async () => {
    const own = await generate([{ name: 'commonName', value: 'localhost' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    })
    const file = join(folder, 'ca.pem')
    writeFileSync(file, own.cert)
    const https = createHttpsServer({ cert: own.cert, key: own.private })
    const secure = new WebSocketServer({ server: https })
    secure.on('connection', (socket) => socket.send('secret'))
    const at = await listening(https)
    await fails(
      `wss://localhost:${at}/`,
      `can't connect to localhost:${at}: its certificate is not signed by a trusted authority; give the CA certificate with --ca FILE, or skip the check with --insecure`,
    )
    for (const trust of [['--ca', file], ['--insecure']]) {
      const { code, stdout } = await connect([`wss://localhost:${at}/`, '--expect', '1', ...trust])
      assert.deepEqual([code, stdout], [0, 'secret\n'])
    }
    await fails(`ws://localhost:${at}/`, /wss:/)
  })

  it('a server that requires a certificate, and sends one with --cert, --key and --passphrase', async () => {
    const own = await generate([{ name: 'commonName', value: 'localhost' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    })
    const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' } as const
    const files = {
      'cert.pem': own.cert,
      'key.pem': own.private,
      'both.pem': `${own.cert}\n${own.private}`,
      'encrypted.pem': createPrivateKey(own.private).export(cipher) as string,
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const file = (name: keyof typeof files) => join(folder, name)
    const https = createHttpsServer({ cert: own.cert, key: own.private, ca: own.cert, requestCert: true })
    new WebSocketServer({ server: https }).on('connection', (socket, request) => {
      socket.send(String((request.socket as TLSSocket).getPeerCertificate().subject.CN))
    })
    const url = `wss://localhost:${await listening(https)}/`
    await fails(url, /the server requires a client certificate, or another one; give it with --cert/, '--insecure')
    const cert = ['--insecure', '--cert', file('cert.pem')]
    for (const identity of [
      ['--insecure', '--cert', file('both.pem')],
      [...cert, '--key', file('key.pem')],
      [...cert, '--key', file('encrypted.pem'), '--passphrase', 'sesame'],
    ]) {
      const { code, stdout } = await connect([url, '--expect', '1', ...identity])
      assert.deepEqual([code, stdout], [0, 'localhost\n'])
    }
    await fails(
      url,
      /the key is encrypted; give the right passphrase with --passphrase/,
      ...cert,
      '--key',
      file('encrypted.pem'),
    )
  })

  it('a server that requires a password, and sends it with --auth', async () => {
    const web = createHttpServer()
    const server = new WebSocketServer({
      server: web,
      verifyClient: ({ req }: { req: IncomingMessage }, decide: (is: boolean, status: number) => void) =>
        decide(req.headers.authorization === `Basic ${Buffer.from('me:pässword:').toString('base64')}`, 401),
      perMessageDeflate: true,
    })
    server.on('connection', (socket, { headers }) => socket.send(String(headers['sec-websocket-extensions'])))
    const at = await listening(web)
    await fails(String(at), /it requires authentication: add credentials with --auth USER:PASSWORD/)
    await fails(String(at), /refused the handshake with 401/, '--auth', 'me')
    const auth = ['--auth', 'me:pässword:', '--expect', '1']
    assert.match((await connect([String(at), ...auth])).stdout, /^permessage-deflate/)
    assert.equal((await connect([String(at), ...auth, '--no-compression'])).stdout, 'undefined\n')
  })

  it('TLS to a plain port', async () => {
    await fails(
      `wss://127.0.0.1:${port}/`,
      `can't connect to 127.0.0.1:${port}: the server does not speak TLS on this port; try ws:// instead of wss://, or another port`,
    )
  })

  it('a server of another kind', async () => {
    const mail = await listening(createServer((socket) => socket.on('error', () => {}).write('220 mail ESMTP\r\n')))
    await fails(`127.0.0.1:${mail}`, /sent an answer that is not a WebSocket handshake/)
  })
})

describe('twoway connect refuses, with exit code 1,', { concurrency: 4 }, () => {
  for (const [what, args, sentence] of [
    ['a URL of another kind', ['ftp://x/'], 'the scheme of "ftp://x/" must be ws, wss, http or https, not ftp:'],
    ['an invalid header', ['1', '-H', 'x'], /option '-H, --header <line>' argument is invalid. Give it as/],
    ['an invalid number', ['1', '--expect', 'x'], /'--expect <n>' argument 'x' is invalid. Give a whole number/],
    ['a form that is none', ['1', '--binary', 'x'], /Allowed choices are hex, base64, file/],
    ['a key without its certificate', ['1', '--key', 'x'], '--key needs its certificate: give it with --cert'],
    [
      'a passphrase without a key',
      ['1', '--passphrase', 'x'],
      '--passphrase needs a key: give it with --cert and --key',
    ],
    [
      'a password by two ways',
      ['1', '--auth', 'me:x', '-H', 'authorization: x'],
      "--auth and an Authorization header can't be combined: give one of them",
    ],
    [
      'a missing key',
      ['1', '--cert', fileURLToPath(import.meta.url), '--key', '/no/such'],
      /can't read the key \/no\/such: the file does not exist; give a PEM file with --key/,
    ],
    [
      'a missing certificate',
      ['1', '--ca', '/no/such'],
      /can't read the certificate \/no\/such: the file does not exist; give a PEM file with --ca/,
    ],
  ] as const) {
    it(what, async () => {
      const { code, stderr } = await commands.run(['connect', ...args])
      assert.equal(code, 1)
      if (typeof sentence === 'string') assert.equal(stderr, `twoway: ${sentence}.\n`)
      else assert.match(stderr, sentence)
    })
  }

  it('a line that does not match --binary', async () => {
    const { code, stderr } = await connect([String(port), '--binary', 'hex'], 'xyz\n')
    assert.equal(code, 1)
    assert.equal(
      stderr,
      'twoway: a line of 3 characters is not hex: give two digits for each byte, such as 48 65 6c 6c 6f.\n',
    )
  })
})

describe('twoway listen through pipes', () => {
  it('sends each line to all clients, and prints their messages', async () => {
    const twoway = startTwoway(['listen', '--port', '0'], { stdio: 'pipe', env: { ...process.env, ...env } })
    const [, url] = await untilPrinted(twoway, 'stderr', /Listening on (\S+)/)
    const clients = [new WebSocket(url!), new WebSocket(url!)]
    await Promise.all(clients.map((client) => once(client, 'open')))
    const came = Promise.all(clients.map((client) => once(client, 'message')))
    twoway.child.stdin!.write('to all\n')
    assert.deepEqual(
      (await came).map(([data]) => String(data)),
      ['to all', 'to all'],
    )
    clients[0]!.send('from one')
    await untilPrinted(twoway, 'stdout', /^from one\n$/)
    const closes = Promise.all(clients.map((client) => once(client, 'close')))
    twoway.child.kill('SIGINT')
    assert.deepEqual(
      (await closes).map(([code]) => code),
      [1001, 1001],
    )
    assert.equal((await twoway.ended).code, 0)
  })

  it('refuses pages of other origins and of rebound names, and says how to accept them', async () => {
    const twoway = startTwoway(['listen', '--port', '0'], { stdio: 'pipe', env: { ...process.env, ...env } })
    const [, url] = await untilPrinted(twoway, 'stderr', /Listening on (\S+)/)
    for (const [origin, host, status, reason] of [
      ['https://evil.example', undefined, 403, /origin/],
      ['null', undefined, 403, /origin/],
      ['http://evil.example', 'evil.example', 421, /--name NAME to accept another name, or with --any-origin/],
    ] as const) {
      const client = new WebSocket(url!, { origin, headers: host === undefined ? {} : { Host: host } })
      const [, response] = await once(
        client.on('error', () => {}),
        'unexpected-response',
      )
      assert.equal(response.statusCode, status, origin)
      assert.match(await text(response), reason)
    }
    await untilPrinted(twoway, 'stderr', /Start with --any-origin/)
    const client = new WebSocket(url!, { headers: { Host: 'tunnel.example' } })
    await once(client, 'open')
    client.terminate()
    await twoway.kill()
  })

  it('accepts pages of any origin with --any-origin, and those of a proxy under --name', async () => {
    for (const [args, origin, host] of [
      [['--any-origin'], 'https://evil.example', 'evil.example'],
      [['--name', 'dev.example.com'], 'https://dev.example.com', 'dev.example.com'],
    ] as const) {
      const twoway = startTwoway(['listen', '--port', '0', ...args], {
        stdio: 'pipe',
        env: { ...process.env, ...env },
      })
      const [, url] = await untilPrinted(twoway, 'stderr', /Listening on (\S+)/)
      const client = new WebSocket(url!, { origin, headers: { Host: host } })
      await once(client, 'open')
      client.terminate()
      await twoway.kill()
    }
  })

  it('says that a port is in use, with exit code 1', async () => {
    const { code, stderr } = await commands.run(['listen', '--port', String(port)])
    assert.equal(code, 1)
    assert.equal(
      stderr,
      `twoway: port ${port} of 127.0.0.1 is in use: choose another with --port, or use --port 0 for any free port.\n`,
    )
  })
})

describe('twoway in a terminal', { skip: noTerminal }, () => {
  it('sends typed lines, shows messages, pings, closes, and keeps its history', async () => {
    const terminal = new TerminalProcess(['connect', String(port)], env)
    await terminal.until(/connected to/)
    terminal.type('hello\r')
    await terminal.until(/↓ text 5 {2}hello/)
    terminal.type('{"a":[1,{}],"n":12345678901234567890}\r')
    await terminal.until(/"a": \[\s+1,\s+\{\}\s+\],\s+"n": 12345678901234567890\s/)
    terminal.type('/hex 00ff48\r')
    await terminal.until(/↓ binary 3 {2}000000 {2}00 ff 48 +\.\.H/)
    terminal.type('/ping\r')
    await terminal.until(/pong after \d+\.\d ms/)
    terminal.type('/nonsense\r')
    await terminal.until(/unknown command \/nonsense/)
    terminal.type('/close 1001\r')
    await terminal.until(/a close code is 1000 or one from 3000 to 4999, not 1001/)
    terminal.type('/help\r')
    await terminal.until(/\/close \[CODE/)
    terminal.type('/close 3456 bye\r')
    await terminal.until(/closed: 3456, a code of a library or framework, "bye"/)
    assert.equal(await terminal.ended, 0)
    assert.match(readFileSync(join(folder, 'history'), 'utf8'), /^hello\n/)
    assert.equal(statSync(join(folder, 'history')).mode & 0o077, 0)
    const again = new TerminalProcess(['connect', String(port)], env)
    await again.until(/connected to/)
    // Up, and up once more.
    again.type('\u001b[A\u001b[A\u001b[A')
    await again.until(/> \/close 1001/)
    again.type('\u0003')
    assert.equal(await again.ended, 0)
  })

  it('clears all rows of a long typed line before it prints above', async () => {
    const terminal = new TerminalProcess(['connect', String(port), '--no-history'], env)
    await terminal.until(/connected to/)
    // In 200 columns: three rows.
    terminal.type(`/ping\r${'x'.repeat(450)}`)
    await terminal.until(/pong after/)
    await terminal.until(/x{450}/)
    terminal.type('\u0001\u000b')
    for (const socket of server.clients) socket.send('from beside')
    await terminal.until(/from beside/)
    terminal.type('y'.repeat(450))
    await terminal.until(/y{450}/)
    for (const socket of server.clients) socket.send('from above')
    await terminal.until(/from above/)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the cursor goes up two rows and clears what is below
    assert.match(terminal.output, /\u001b\[2A\u001b\[1G\u001b\[0J[^\n]*from above\r\n\r\n\r\n/)
    terminal.type('\u0003')
    assert.equal(await terminal.ended, 0)
  })

  it('escapes control characters', async () => {
    const terminal = new TerminalProcess(['connect', `${port}/escape`, '--no-history'], env)
    await terminal.until(/a\\u\{1b\}\[31mred\\u\{7\}/)
    terminal.type('\u0004')
    assert.equal(await terminal.ended, 0)
  })

  it('prints colours, and none with NO_COLOR', async () => {
    for (const [name, isColoured] of [
      ['FORCE_COLOR', true],
      ['NO_COLOR', false],
    ] as const) {
      const terminal = new TerminalProcess(['connect', String(port)], { ...env, NO_COLOR: '', [name]: '1' })
      await terminal.until(/connected to/)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape is what is looked for
      assert.equal(/\u001b\[32m/.test(terminal.output), isColoured)
      terminal.type('\u0003')
      await terminal.ended
    }
  })

  it('keeps no history with --no-history', async () => {
    const home = join(folder, 'other')
    const terminal = new TerminalProcess(['connect', String(port), '--no-history'], { ...env, TWOWAY_HOME: home })
    await terminal.until(/connected to/)
    terminal.type('secret\r')
    await terminal.until(/↓ text 6/)
    terminal.type('\u0003')
    await terminal.ended
    assert.ok(!existsSync(join(home, 'history')))
  })

  it('listens: shows clients and their messages, sends to all and to one, closes all', async () => {
    const terminal = new TerminalProcess(['listen', '--port', '0'], env)
    const [, url] = await terminal.until(/listening on (ws:\S+)/)
    const clients = [new WebSocket(url!), new WebSocket(url!)]
    await Promise.all(clients.map((client) => once(client, 'open')))
    await terminal.until(/#2 connected by/)
    const came = Promise.all(clients.map((client) => once(client, 'message')))
    terminal.type('hello all\r')
    assert.deepEqual(
      (await came).map(([data]) => String(data)),
      ['hello all', 'hello all'],
    )
    terminal.type('/clients\r')
    await terminal.until(/#1 {2}127\.0\.0\.1 {2}\/\s+#2 {2}127/)
    const one = Promise.race(clients.map((client) => once(client, 'message')))
    terminal.type('/to 2 only you\r')
    assert.equal(String((await one)[0]), 'only you')
    clients[0]!.send('back')
    await terminal.until(/#[12] ↓ text 4 {2}back/)
    const closes = Promise.all(clients.map((client) => once(client, 'close')))
    terminal.type('/close 4000 enough\r')
    assert.deepEqual(
      (await closes).map(([code, reason]) => [code, String(reason)]),
      [
        [4000, 'enough'],
        [4000, 'enough'],
      ],
    )
    terminal.type('\u0003')
    assert.equal(await terminal.ended, 0)
  })
})
