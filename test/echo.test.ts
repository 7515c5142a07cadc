import assert from 'node:assert/strict'
import { type SpawnOptions, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { generate } from 'selfsigned'
import { WebSocket as TwowayWebSocket } from 'twoway'
import { type ClientOptions, WebSocket } from 'ws'
import { type EchoProcess, type Ending, startEcho, startTwoway } from './echo-process.js'
import { ShortCommands } from './short-commands.js'

const longestEcho = 16 << 20

const commands = new ShortCommands()

after(() => commands.end())

/** Root has permissions that the tests need to be missing. */
const unprivileged = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}

describe('twoway echo', () => {
  let echo: EchoProcess
  const clients: WebSocket[] = []

  before(async () => {
    echo = await startEcho()
  })

  after(() => echo.process.kill())

  afterEach(() => {
    for (const client of clients.splice(0)) client.terminate()
  })

  /** An open client of ws. */
  async function connect(path = '', options: ClientOptions & { protocols?: string[] } = {}): Promise<WebSocket> {
    const client = new WebSocket(echo.url + path, options.protocols, { perMessageDeflate: false, ...options })
    clients.push(client)
    await once(client, 'open')
    return client
  }

  it('prints the URLs of the WebSocket and of the page, with the port that the system chose', () => {
    const port = Number(new URL(echo.url).port)
    assert.ok(port > 0)
    assert.equal(
      echo.process.stdout,
      `Twoway echo service: every message is sent back.

  WebSocket  ws://127.0.0.1:${port}
  Page       http://127.0.0.1:${port}/

Press Ctrl+C to stop.
`,
    )
    assert.equal(echo.process.stderr, '')
  })

  for (const message of ['Hello WebSockets!', 'Grüße, 世界 🌍', '']) {
    it(`sends text back as text: ${JSON.stringify(message)}`, async () => {
      const client = await connect()
      client.send(message)
      const [data, isBinary] = (await once(client, 'message')) as [Buffer, boolean]
      assert.deepEqual([data.toString(), isBinary], [message, false])
    })
  }

  for (const length of [0, 1, 65_536, longestEcho]) {
    it(`sends binary back as binary: ${length} bytes`, async () => {
      const client = await connect()
      const message = Buffer.from(Uint8Array.from({ length }, (_, at) => (at * 31) % 251))
      client.send(message)
      const [data, isBinary] = (await once(client, 'message')) as [Buffer, boolean]
      assert.ok(isBinary)
      assert.ok(data.equals(message))
    })
  }

  it('sends 16 MiB of text back', async () => {
    const client = await connect()
    const message = 'ü'.repeat(longestEcho / 2)
    client.send(message)
    const [data, isBinary] = (await once(client, 'message')) as [Buffer, boolean]
    assert.ok(!isBinary)
    assert.ok(data.toString() === message)
  })

  it('refuses a message of more than 16 MiB with 1009, RFC 6455 §7.4.1', async () => {
    const client = await connect()
    client.send(Buffer.alloc(longestEcho + 1))
    const [code] = await once(client, 'close')
    assert.equal(code, 1009)
  })

  it("refuses a message of more than 16 MiB with 1009 to twoway's own client", async () => {
    const client = new TwowayWebSocket(echo.url)
    client.onopen = () => client.send(new Uint8Array(longestEcho + 1))
    const [event] = await once(client, 'close')
    assert.equal(event.code, 1009)
  })

  it("talks to twoway's own client: text, binary, a close with code and reason", async () => {
    const client = new TwowayWebSocket(echo.url)
    client.binaryType = 'arraybuffer'
    await once(client, 'open')
    client.send('Grüße 🌍')
    assert.equal((await once(client, 'message'))[0].data, 'Grüße 🌍')
    client.send(Uint8Array.of(1, 2, 255))
    assert.deepEqual(new Uint8Array((await once(client, 'message'))[0].data), Uint8Array.of(1, 2, 255))
    client.close(3456, 'enough')
    const [event] = await once(client, 'close')
    assert.deepEqual([event.code, event.wasClean], [3456, true])
  })

  it('accepts its own pages, and clients that are not browsers under any host name', async () => {
    await connect('', { origin: echo.page.slice(0, -1) })
    await connect('', { headers: { Host: 'echo.example.com' } })
    const { port } = new URL(echo.url)
    await connect('', { origin: `http://localhost:${port}`, headers: { Host: `localhost:${port}` } })
  })

  it('refuses pages of other origins, of files and of rebound names, and says once how to accept them', async () => {
    const { host, port } = new URL(echo.url)
    for (const [origin, status, name] of [
      ['https://example.com', 403],
      ['null', 403],
      ['file://', 403],
      [`chrome-extension://${host}`, 403],
      [`http://evil.example:${port}`, 421, `evil.example:${port}`],
      ['https://evil.example', 421, 'evil.example'],
    ] as const) {
      const client = new WebSocket(echo.url, { origin, headers: name === undefined ? {} : { Host: name } })
      client.on('error', () => {})
      const [, response] = await once(client, 'unexpected-response')
      assert.equal(response.statusCode, status, origin)
      response.destroy()
    }
    const told =
      'A page of another origin was refused. Start with --any-origin to accept pages of any origin, including pages opened from a file.\n'
    assert.equal(echo.process.stderr, told)
    echo.process.stderr = ''
  })

  it('echoes on any path', async () => {
    for (const path of ['/', '/echo', '/a/b%20c', '/?']) {
      const client = await connect(path)
      client.send(path)
      assert.equal(String((await once(client, 'message'))[0]), path)
    }
  })

  it('chooses the first subprotocol that a client offers, and none if none is offered', async () => {
    assert.equal((await connect('', { protocols: ['chat.v2', 'chat.v1'] })).protocol, 'chat.v2')
    assert.equal((await connect()).protocol, '')
  })

  it('stops reading from a client that does not read, and loses nothing', async () => {
    const client = await connect()
    const message = Buffer.alloc(1 << 20, 'x')
    const count = 64
    let received = 0
    const allReceived = new Promise<void>((resolve) => {
      client.on('message', (data: Buffer) => {
        assert.ok(data.equals(message))
        if (++received === count) resolve()
      })
    })
    client.pause()
    for (let sent = 0; sent < count; sent++) client.send(message)
    let before = -1
    // Until the network takes no more, which means that the service has stopped reading.
    while (client.bufferedAmount !== before) {
      before = client.bufferedAmount
      await delay(100)
    }
    assert.ok(before > 0)
    client.resume()
    await allReceived
    assert.equal(client.readyState, WebSocket.OPEN)
  })

  it('answers GET / with the page', async () => {
    const page = readFileSync(
      fileURLToPath(new URL('../../packages/cli/dist/playground.html', import.meta.url)),
      'utf8',
    )
    for (const url of [echo.page, `${echo.page}?a=b`]) {
      const response = await fetch(url)
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
      assert.equal(await response.text(), page)
    }
  })

  it('answers with a policy in the header, and nothing that a browser could misinterpret', async () => {
    for (const path of ['', 'health', 'metrics', 'elsewhere']) {
      const { headers } = await fetch(echo.page + path)
      const policy = headers.get('content-security-policy')!
      assert.match(policy, /^default-src 'none';/, path)
      assert.match(policy, /; frame-ancestors 'none'/, path)
      assert.doesNotMatch(policy, /unsafe|\*/, path)
      for (const [name, value] of [
        ['x-content-type-options', 'nosniff'],
        ['x-frame-options', 'DENY'],
        ['referrer-policy', 'no-referrer'],
        ['cache-control', 'no-store'],
      ] as const) {
        assert.equal(headers.get(name), value, `${path}: ${name}`)
      }
    }
    const policy = (await fetch(echo.page)).headers.get('content-security-policy')!
    for (const part of ["script-src 'sha256-", "style-src 'sha256-", 'connect-src ws: wss:', 'font-src data:']) {
      assert.ok(policy.includes(part), part)
    }
  })

  it('answers HEAD as GET, without the body, RFC 9110 §9.3.2', async () => {
    for (const path of ['', 'elsewhere']) {
      const [ofGet, ofHead] = await Promise.all([fetch(echo.page + path), fetch(echo.page + path, { method: 'HEAD' })])
      assert.equal(ofHead.status, ofGet.status)
      for (const name of ['content-type', 'content-length']) {
        assert.equal(ofHead.headers.get(name), ofGet.headers.get(name))
      }
      assert.equal(await ofHead.text(), '')
      await ofGet.text()
    }
  })

  it('answers GET of another path with 404 and an explanation', async () => {
    const response = await fetch(`${echo.page}favicon.ico`)
    assert.equal(response.status, 404)
    assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8')
    assert.equal(
      await response.text(),
      `This is a WebSocket echo service: connect to ${echo.url}/favicon.ico, or open / in a browser to try it.\n`,
    )
  })

  it('answers another method with 405, the allowed methods, and an explanation', async () => {
    for (const [method, path] of [
      ['POST', ''],
      ['DELETE', 'elsewhere'],
    ]) {
      const response = await fetch(`${echo.page}${path}`, { method: method! })
      assert.equal(response.status, 405)
      assert.equal(response.headers.get('allow'), 'GET, HEAD')
      assert.equal(
        await response.text(),
        `This is a WebSocket echo service: connect to ${echo.url}/${path}, or open / in a browser to try it.\n`,
      )
    }
  })

  it('answers a plain request with an invalid Host', async () => {
    assert.match(await pageUnder('localhost:99999', '/x'), /^HTTP\/1\.1 404 /)
  })

  it('shows no page under a name that is not of this machine, and says how to accept the name', async () => {
    const { port } = new URL(echo.page)
    for (const name of [
      'evil.example',
      `evil.example:${port}`,
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '',
    ]) {
      for (const path of ['/', '/metrics', '/health', '/x']) {
        const response = await pageUnder(name, path)
        assert.match(response, /^HTTP\/1\.1 421 /, `${name}${path}`)
        assert.match(response, /Start it with --name NAME to accept another name, or with --any-origin/)
        assert.doesNotMatch(response, /twoway_|<html|evil/)
      }
    }
    for (const name of ['localhost', `LOCALHOST:${port}`, 'a.localhost', '127.0.0.1', '127.1.2.3', '[::1]']) {
      assert.match(await pageUnder(name, '/metrics'), /^HTTP\/1\.1 200 .*twoway_connections/s, name)
    }
  })

  /** The response to a plain request under a host name. */
  function pageUnder(host: string, path: string): Promise<string> {
    const { hostname, port } = new URL(echo.page)
    const socket = connectTcp(Number(port), hostname)
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    return text(socket)
  }

  it('prints nothing else meanwhile', () => {
    assert.equal(echo.process.stderr, '')
  })
})

describe('twoway echo with pages of other origins', () => {
  it('accepts pages of any origin under any host name with --any-origin, also one that was opened from a file', async () => {
    const echo = await startEcho(['--any-origin'])
    try {
      for (const origin of ['https://example.com', 'null', echo.page.slice(0, -1), 'http://evil.example']) {
        const client = new WebSocket(echo.url, { origin, headers: { Host: 'evil.example' } })
        await once(client, 'open')
        client.terminate()
      }
      assert.equal(echo.process.stderr, '')
    } finally {
      await echo.process.kill()
    }
  })

  it('accepts its own pages behind a proxy under the name of --name, and no others', async () => {
    const echo = await startEcho(['--name', 'Echo.example.com'])
    try {
      const client = new WebSocket(echo.url, {
        origin: 'https://echo.example.com',
        headers: { Host: 'echo.example.com' },
      })
      await once(client, 'open')
      client.terminate()
      const { hostname, port } = new URL(echo.page)
      for (const [host, status] of [
        ['echo.example.com', 200],
        ['ECHO.example.com:443', 200],
        ['evil.example', 421],
      ] as const) {
        const socket = connectTcp(Number(port), hostname)
        socket.write(`GET /metrics HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
        assert.match(await text(socket), new RegExp(`^HTTP/1\\.1 ${status} `), host)
      }
      const other = new WebSocket(echo.url, { origin: 'https://evil.example', headers: { Host: 'echo.example.com' } })
      const [, response] = await once(
        other.on('error', () => {}),
        'unexpected-response',
      )
      assert.equal(response.statusCode, 403)
      response.destroy()
    } finally {
      await echo.process.kill()
    }
  })
})

describe('twoway echo on all addresses', () => {
  for (const [host, families] of [
    ['0.0.0.0', ['IPv4']],
    ['::', ['IPv4', 'IPv6']],
  ] as const) {
    it(`prints this machine's addresses with --host ${host}`, async (context) => {
      if (host === '::' && !hasIpv6()) return context.skip('this machine has no IPv6')
      const echo = await startEcho(['--host', host])
      try {
        const { port } = new URL(echo.url)
        const printed = echo.process.stdout.match(/ws:\S+/g)
        const addresses = Object.values(networkInterfaces())
          .flatMap((found) => found ?? [])
          .filter(({ internal, family, scopeid }) => !internal && families.some((one) => one === family) && !scopeid)
          .map(({ address, family }) => (family === 'IPv6' ? `[${address}]` : address))
        assert.deepEqual(
          printed,
          ['localhost', ...addresses].map((address) => `ws://${address}:${port}`),
        )
      } finally {
        await echo.process.kill()
      }
    })
  }
})

describe('twoway echo ends', () => {
  let echo: EchoProcess

  beforeEach(async () => {
    echo = await startEcho()
  })

  afterEach(() => echo.process.kill())

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`on ${signal} with exit code 0, and closes its connections with 1001, RFC 6455 §7.4.1`, async () => {
      const ofWs = new WebSocket(echo.url)
      const ofTwoway = new TwowayWebSocket(echo.url)
      await Promise.all([once(ofWs, 'open'), once(ofTwoway, 'open')])
      const closes = Promise.all([once(ofWs, 'close'), once(ofTwoway, 'close')])
      echo.process.child.kill(signal)
      const [[code], [event]] = await closes
      assert.deepEqual([code, event.code, event.wasClean], [1001, 1001, true])
      const ending = await echo.process.ended
      assert.deepEqual([ending.code, ending.signal, ending.stderr], [0, null, ''])
      assert.match(ending.stdout, /Closing 2 connections\. Press Ctrl\+C again to exit at once\.\n$/)
    })

    it(`on ${signal} with exit code 0 if no client is connected`, async () => {
      echo.process.child.kill(signal)
      const { code, stderr } = await echo.process.ended
      assert.deepEqual([code, stderr], [0, ''])
    })
  }

  it('at once on a second signal, although a client does not answer its Close', async () => {
    const silent = await connectSilently(echo)
    echo.process.child.kill('SIGINT')
    // Signals that arrive together with the first one count as the same. The client's time to answer ends with exit code 0.
    const again = setInterval(() => echo.process.child.kill('SIGINT'), 50)
    const { code, stderr } = await echo.process.ended
    clearInterval(again)
    silent.destroy()
    assert.deepEqual([code, stderr], [130, ''])
  })

  it('with exit code 0 if the reader of its output has gone', async () => {
    const client = new WebSocket(echo.url)
    await once(client, 'open')
    echo.process.child.stdout!.destroy()
    echo.process.child.kill('SIGTERM')
    const { code, stderr } = await echo.process.ended
    assert.deepEqual([code, stderr], [0, ''])
  })
})

describe('twoway echo --tls', { concurrency: 4 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'twoway-echo-'))
  const file = (name: string): string => join(folder, name)
  let cert: string

  before(async () => {
    const attributes = [{ name: 'commonName', value: 'localhost' }]
    const extensions = [
      {
        name: 'subjectAltName' as const,
        altNames: [
          { type: 2 as const, value: 'localhost' },
          { type: 7 as const, ip: '127.0.0.1' },
        ],
      },
    ]
    const [own, other, locked] = await Promise.all([
      generate(attributes, { keyType: 'ec', algorithm: 'sha256', extensions }),
      generate(attributes, { keyType: 'ec', algorithm: 'sha256', extensions }),
      generate(attributes, { keyType: 'ec', algorithm: 'sha256', extensions, passphrase: 'secret' }),
    ])
    cert = own.cert
    chmodSync(folder, 0o755)
    writeFileSync(file('cert.pem'), own.cert)
    writeFileSync(file('key.pem'), own.private)
    writeFileSync(file('other-key.pem'), other.private)
    writeFileSync(file('locked-key.pem'), locked.private)
    writeFileSync(file('text.pem'), 'no PEM at all')
    writeFileSync(file('broken.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    writeFileSync(file('cert.der'), Buffer.from(own.cert.replace(/-----.*-----|\s/g, ''), 'base64'))
    writeFileSync(file('forbidden.pem'), own.cert, { mode: 0 })
  })

  after(() => rmSync(folder, { recursive: true }))

  it('speaks wss and https with the certificate', async () => {
    const echo = await startEcho(['--tls', '--cert', file('cert.pem'), '--key', file('key.pem')])
    try {
      assert.match(echo.process.stdout, /wss:\/\/127\.0\.0\.1:\d+\n.* https:\/\/127\.0\.0\.1:\d+\/\n/)
      const ofWs = new WebSocket(echo.url, { ca: cert })
      await once(ofWs, 'open')
      ofWs.send('Grüße')
      assert.equal(String((await once(ofWs, 'message'))[0]), 'Grüße')
      const ofTwoway = new TwowayWebSocket(echo.url, { ca: cert })
      await once(ofTwoway, 'open')
      ofTwoway.send('Grüße')
      assert.equal((await once(ofTwoway, 'message'))[0].data, 'Grüße')
      const [response] = await once(get(echo.page, { ca: cert }), 'response')
      assert.equal(response.statusCode, 200)
      assert.match(await text(response), /^<!doctype html>/)
      const closes = Promise.all([once(ofWs, 'close'), once(ofTwoway, 'close')])
      echo.process.child.kill('SIGTERM')
      const [[code], [event]] = await closes
      assert.deepEqual([code, event.code], [1001, 1001])
      const ending = await echo.process.ended
      assert.deepEqual([ending.code, ending.stderr], [0, ''])
    } finally {
      await echo.process.kill()
    }
  })

  it('generates a certificate for localhost if none is given, says how to trust it, and keeps it', async () => {
    const env = { ...process.env, TWOWAY_HOME: join(folder, 'home') }
    const certificates: string[] = []
    for (const run of ['first', 'second']) {
      const echo = await startEcho(['--tls'], { env })
      try {
        const [certFile] = /\S+localhost-cert\.pem/.exec(echo.process.stdout)!
        assert.match(echo.process.stdout, /twoway connect {2}--ca .*\n.*NODE_EXTRA_CA_CERTS=.*\n.*a browser/)
        const ca = readFileSync(certFile, 'utf8')
        certificates.push(ca)
        for (const host of ['127.0.0.1', 'localhost']) {
          const client = new WebSocket(echo.url.replace('127.0.0.1', host), { ca, family: 4 })
          await once(client, 'open')
          client.terminate()
        }
        assert.equal(statSync(join(folder, 'home', 'localhost-key.pem')).mode & 0o077, 0, run)
      } finally {
        await echo.process.kill()
      }
    }
    assert.equal(certificates[0], certificates[1])
  })

  it("says what to do if it can't store a certificate", async () => {
    await refuses(
      ['echo', '--port', '0', '--tls'],
      `can't store a certificate for localhost: ENOTDIR: not a directory, mkdir '${file('text.pem')}/home'; set TWOWAY_HOME to another folder, or give --cert FILE and --key FILE`,
      { env: { ...process.env, TWOWAY_HOME: join(file('text.pem'), 'home') } },
    )
  })

  for (const { of, certFile, keyFile, sentence } of [
    {
      of: 'a certificate that does not exist',
      certFile: 'none.pem',
      keyFile: 'key.pem',
      sentence: "can't read the certificate <none.pem>: the file does not exist; give a PEM file with --cert",
    },
    {
      of: 'a key that does not exist',
      certFile: 'cert.pem',
      keyFile: 'none.pem',
      sentence: "can't read the key <none.pem>: the file does not exist; give a PEM file with --key",
    },
    {
      of: 'a certificate that is a directory',
      certFile: '',
      keyFile: 'key.pem',
      sentence: "can't read the certificate <>: it is a directory; give a PEM file with --cert",
    },
    {
      of: 'a key that is a directory',
      certFile: 'cert.pem',
      keyFile: '',
      sentence: "can't read the key <>: it is a directory; give a PEM file with --key",
    },
    {
      of: 'a certificate that is not PEM',
      certFile: 'text.pem',
      keyFile: 'key.pem',
      sentence: '<text.pem> contains no certificate in PEM: give one with --cert',
    },
    {
      of: 'a certificate that is DER',
      certFile: 'cert.der',
      keyFile: 'key.pem',
      sentence: '<cert.der> contains no certificate in PEM: give one with --cert',
    },
    {
      of: 'a certificate that is broken',
      certFile: 'broken.pem',
      keyFile: 'key.pem',
      sentence: '<broken.pem> contains no certificate in PEM: give one with --cert',
    },
    {
      of: 'a key that is not PEM',
      certFile: 'cert.pem',
      keyFile: 'text.pem',
      sentence: '<text.pem> contains no private key in PEM: give one with --key',
    },
    {
      of: 'certificate and key given the wrong way round',
      certFile: 'key.pem',
      keyFile: 'cert.pem',
      sentence: '<key.pem> contains no certificate in PEM: give one with --cert',
    },
    {
      of: 'a key that is encrypted',
      certFile: 'cert.pem',
      keyFile: 'locked-key.pem',
      sentence: 'the key in <locked-key.pem> is encrypted: decrypt it first, for example with "openssl pkey"',
    },
    {
      of: 'a key of another certificate',
      certFile: 'cert.pem',
      keyFile: 'other-key.pem',
      sentence:
        'the key in <other-key.pem> does not match the certificate in <cert.pem>: give the key of this certificate',
    },
  ]) {
    it(`refuses ${of} with a sentence and exit code 1`, async () => {
      const args = ['echo', '--port', '0', '--tls', '--cert', file(certFile), '--key', file(keyFile)]
      await refuses(
        args,
        sentence.replace(/<(.*?)>/g, (_, name: string) => file(name)),
      )
    })
  }

  it('refuses a certificate without permission to read it with a sentence and exit code 1', async (context) => {
    const allowed = codeOf(`fs.readFileSync(${JSON.stringify(file('forbidden.pem'))})`)
    if (allowed !== 'EACCES') return context.skip('every user may read every file here')
    await refuses(
      ['echo', '--port', '0', '--tls', '--cert', file('forbidden.pem'), '--key', file('key.pem')],
      `can't read the certificate ${file('forbidden.pem')}: permission denied; give a PEM file with --cert`,
      unprivileged,
    )
  })
})

describe('twoway', { concurrency: 4 }, () => {
  for (const { args, sentence } of [
    { args: ['ecco'], sentence: "unknown command 'ecco' (Did you mean echo?)" },
    { args: ['--prot'], sentence: "unknown option '--prot'; see twoway --help." },
    { args: ['echo', '--prot', '1'], sentence: "unknown option '--prot' (Did you mean --port?)" },
    { args: ['echo', '--loud'], sentence: "unknown option '--loud'; see twoway echo --help." },
    { args: ['echo', '--port'], sentence: "option '--port <number>' argument missing; see twoway echo --help." },
    {
      args: ['echo', '8080'],
      sentence: "too many arguments for 'echo': expected 0 arguments but got 1; see twoway echo --help.",
    },
    ...['abc', '65536', '-1', '80.5', '0x50', ''].map((port) => ({
      args: ['echo', '--port', port],
      sentence: `"${port}" is not a port: give a number from 1 to 65535 with --port, or 0 for any free port.`,
    })),
    ...(['cert', 'key'] as const).map((given) => ({
      args: ['echo', '--port', '0', '--tls', `--${given}`, 'a'],
      sentence: `--cert and --key go together: add --${given === 'cert' ? 'key' : 'cert'} FILE, or omit both to generate a certificate for localhost.`,
    })),
    {
      args: ['echo', '--port', '0', '--cert', 'a', '--key', 'b'],
      sentence: '--cert needs --tls: add --tls, or omit it.',
    },
    { args: ['echo', '--port', '0', '--key', 'b'], sentence: '--key needs --tls: add --tls, or omit it.' },
    {
      // An address of TEST-NET-1, RFC 5737, which no machine has.
      args: ['echo', '--port', '0', '--host', '192.0.2.77'],
      sentence:
        '192.0.2.77 is not an address of this machine: use --host 127.0.0.1 for this machine only, or --host 0.0.0.0 for all addresses.',
    },
    {
      // A name that never exists, RFC 6761.
      args: ['echo', '--port', '0', '--host', 'no-such.invalid'],
      sentence:
        'the host "no-such.invalid" does not exist: give an address of this machine with --host, such as 127.0.0.1.',
    },
    {
      args: ['echo', '--port', '0', '--host', ''],
      sentence: 'the host "" does not exist: give an address of this machine with --host, such as 127.0.0.1.',
    },
  ]) {
    it(`refuses ${JSON.stringify(args.join(' '))} with a sentence and exit code 1`, () => refusesWith(args, sentence))
  }

  it('refuses a command in a process of its own with the same sentence and exit code', async () => {
    const { code, signal, stdout, stderr } = await startTwoway(['ecco']).ended
    assert.deepEqual(
      { code, signal, stdout, stderr },
      { code: 1, signal: null, stdout: '', stderr: "twoway: unknown command 'ecco' (Did you mean echo?)\n" },
    )
  })

  it('refuses a port that is in use with a sentence and exit code 1', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const { port } = holder.address() as { port: number }
    await refuses(
      ['echo', '--port', String(port)],
      `port ${port} of 127.0.0.1 is in use: choose another with --port, or use --port 0 for any free port`,
    )
    holder.close()
  })

  it('refuses a port without permission to use it with a sentence and exit code 1', async (context) => {
    const allowed = codeOf("net.createServer().listen(81, '127.0.0.1').on('listening', () => process.exit())")
    if (allowed !== 'EACCES') return context.skip('every user may use every port here')
    await refuses(
      ['echo', '--port', '81'],
      'no permission to listen on port 81, because ports below 1024 are reserved: choose another with --port, such as 8080',
      unprivileged,
    )
  })

  for (const args of [[], ['--help'], ['-h']]) {
    it(`prints its help for ${JSON.stringify(args.join(' '))}`, async () => {
      const { code, stdout, stderr } = await commands.run(args)
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, /^Usage: twoway /)
      assert.match(stdout, /\n {2}echo /)
    })
  }

  it('prints the options of echo, with their defaults, in 80 columns', async () => {
    const { code, stdout, stderr } = await commands.run(['echo', '--help'])
    assert.deepEqual([code, stderr], [0, ''])
    for (const name of ['--port <number>', '--host <address>', '--tls', '--cert <file>', '--key <file>']) {
      assert.ok(stdout.includes(`\n  ${name} `), name)
    }
    assert.match(stdout, /--port .*8080/)
    assert.match(stdout, /--host .*127\.0\.0\.1/)
    assert.ok(stdout.split('\n').every((line) => line.length <= 80))
  })

  it('prints the version of its package', async () => {
    const manifest = readFileSync(fileURLToPath(new URL('../../packages/cli/package.json', import.meta.url)), 'utf8')
    const { code, stdout, stderr } = await startTwoway(['--version']).ended
    assert.deepEqual([code, stdout, stderr], [0, `${JSON.parse(manifest).version}\n`, ''])
  })
})

/** Runs a command that must end with exit code 1 and this sentence, given here without its full stop, and print nothing else. */
function refuses(args: readonly string[], sentence: string, options?: SpawnOptions): Promise<void> {
  return refusesWith(args, `${sentence}.`, options)
}

async function refusesWith(args: readonly string[], complaint: string, options?: SpawnOptions): Promise<void> {
  const { code, signal, stdout, stderr } = await (options === undefined ? commands.run(args) : runAlone(args, options))
  assert.deepEqual(
    { code, signal, stdout, stderr },
    { code: 1, signal: null, stdout: '', stderr: `twoway: ${complaint}\n` },
  )
}

/** Runs a command in a process of its own. One that starts nevertheless would never end. */
function runAlone(args: readonly string[], options: SpawnOptions): Promise<Ending> {
  const twoway = startTwoway(args, options)
  twoway.child.stdout!.once('data', () => twoway.child.kill())
  return twoway.ended
}

/** Runs a statement of JavaScript without root's rights, and returns the code of its error, or ''. */
function codeOf(statement: string): string {
  const program = `
    process.on('uncaughtException', ({ code }) => { console.log(code); process.exit() })
    fs.accessSync(${JSON.stringify(fileURLToPath(import.meta.url))})
    ${statement}`
  return spawnSync(process.execPath, ['-e', program], { ...unprivileged, encoding: 'utf8' }).stdout.trim()
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((found) => found?.some(({ family }) => family === 'IPv6'))
}

/** A client that opens a connection, then sends nothing and never closes. */
async function connectSilently({ url }: EchoProcess): Promise<Socket> {
  const { hostname, port, host } = new URL(url)
  const socket = connectTcp(Number(port), hostname)
  socket.on('error', () => {})
  socket.write(
    `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  )
  await once(socket, 'data')
  return socket
}
