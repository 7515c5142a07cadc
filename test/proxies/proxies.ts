/**
 * `npm run test:proxies`: the configurations of docs/how-to/deploy.md in Debian's nginx, Caddy and HAProxy, which it installs if they
 * are missing. A client and a page of Chromium reach a server through each.
 */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import type { LookupFunction } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { generate } from 'selfsigned'
import { WebSocket } from 'twoway'
import { HandshakeError, type ServeOptions, type Server, serve } from 'twoway/server'
import { freePort } from 'twoway-testing/peers/free-ports.js'
import { fetchChromium, launchChromium } from '../browser/debian-chromium.js'
import { startEcho } from '../echo-process.js'
import { type DeployedProxy, echoProxies, httpProxies, installProxies, tcpProxies } from './programs.js'
import { ProxyProcess } from './proxy-process.js'

const host = 'chat.example.com'
const echoHost = 'echo.example.com'

/** The client's own address. The proxy, which is trusted, connects from 127.0.0.1. */
const clientAddress = '127.0.0.2'

const common: ServeOptions<undefined> = { port: 0, trustedProxies: '127.0.0.1', hosts: [host] }

let folder: string
let ca: string
let tls: { readonly cert: string; readonly key: string }
let browser: Browser

before(async () => {
  installProxies()
  fetchChromium()
  folder = mkdtempSync(join(tmpdir(), 'twoway-proxies-'))
  // The workers of nginx have another user.
  chmodSync(folder, 0o755)
  const { cert, private: key } = await generate([{ name: 'commonName', value: host }], {
    algorithm: 'sha256',
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [host, echoHost].map((value) => ({ type: 2, value })) }],
  })
  ca = cert
  tls = { cert, key }
  for (const [name, text] of Object.entries({ cert, key, both: `${cert}\n${key}` })) {
    writeFileSync(join(folder, `${name}.pem`), text)
  }
  browser = await launchChromium(`--host-resolver-rules=MAP ${host} 127.0.0.1`)
})

after(async () => {
  await browser?.close()
  if (folder !== undefined) rmSync(folder, { recursive: true })
})

interface Deployment {
  readonly server: Server
  readonly proxy: ProxyProcess
  /** `chat.example.com` with the port of the proxy. */
  readonly authority: string
  /** The address, origin and URL of each request. */
  readonly seen: string[]
}

/** A page that sends on a WebSocket of its own site, and shows the answer as its title. */
const page = `<!doctype html><meta charset="utf-8"><title>waits</title><script>
const socket = new WebSocket(new URL('room', location.href.replace(/^http/, 'ws')))
socket.onopen = () => socket.send('from the page')
socket.onmessage = ({ data }) => (document.title = data)
socket.onclose = () => (document.title = 'closed')
</script>`

async function deploy(deployed: DeployedProxy, options: ServeOptions<undefined>): Promise<Deployment> {
  const seen: string[] = []
  const server = await serve({
    ...options,
    upgrade({ remoteAddress, headers, url }) {
      seen.push(`${remoteAddress} ${headers.get('origin')} ${url}`)
      return {}
    },
    message: (socket, message) => socket.send(message),
    request: () => ({ status: 200, headers: { 'Content-Type': 'text/html' }, body: page }),
  })
  const port = await freePort()
  try {
    const setting = { port, serverPort: server.port, folder }
    const proxy = await ProxyProcess.start(deployed.start(setting), folder, port)
    return { server, proxy, authority: `${host}:${port}`, seen }
  } catch (error) {
    await server.close()
    throw error
  }
}

const lookup = ((_: string, { all }: { readonly all?: boolean }, tell: (...args: unknown[]) => void) => {
  if (all) tell(null, [{ address: '127.0.0.1', family: 4 }])
  else tell(null, '127.0.0.1', 4)
}) as LookupFunction

/** The answer of an echo. Rejects with the error of a connection that fails. */
function exchange(
  authority: string,
  headers: Readonly<Record<string, string>> = {},
  path = '/chat/room?x=1',
): Promise<unknown> {
  const socket = new WebSocket(`wss://${authority}${path}`, {
    ...{ ca, lookup, localAddress: clientAddress },
    headers: { Origin: `https://${authority}`, ...headers },
  })
  return new Promise((resolve, reject) => {
    socket.onopen = () => socket.send('hi')
    socket.onerror = ({ error }) => reject(error)
    socket.onmessage = ({ data }) => {
      socket.close()
      socket.onclose = () => resolve(data)
    }
  })
}

/** The title of the page once its WebSocket has answered. */
async function titleOfPage(authority: string): Promise<string> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  try {
    const opened = await context.newPage()
    await opened.goto(`https://${authority}/chat/`)
    await opened.waitForFunction(() => document.title !== 'waits', undefined, { timeout: 30_000 })
    return await opened.title()
  } finally {
    await context.close()
  }
}

/** Fields that a client sets in order to be taken for another. */
const spoofed = {
  'X-Forwarded-For': '203.0.113.9',
  'X-Forwarded-Proto': 'http',
  'X-Forwarded-Host': 'evil.example',
  'X-Forwarded-Port': '81',
  Forwarded: 'for=203.0.113.9;proto=http;host=evil.example',
}

/** Runs the tests that every proxy must pass. */
function testDeployment(deployed: DeployedProxy, options: () => ServeOptions<undefined>, path: string): void {
  let deployment: Deployment

  before(async () => {
    deployment = await deploy(deployed, options())
  })

  after(async () => {
    await deployment?.proxy.stop()
    await deployment?.server.close()
  })

  const seenOf = (address: string, target: string): string => {
    const { authority } = deployment
    return `${address} https://${authority} wss://${authority}${path}${target}`
  }

  it("has the client's address, origin and URL", async () => {
    const { authority, seen } = deployment
    assert.equal(await exchange(authority), 'hi')
    assert.deepEqual(seen.splice(0), [seenOf(clientAddress, 'room?x=1')])
  })

  it('lets no client write them', async () => {
    const { authority, seen } = deployment
    assert.equal(await exchange(authority, spoofed), 'hi')
    assert.deepEqual(seen.splice(0), [seenOf(clientAddress, 'room?x=1')])
  })

  it('serves a page of the site and its WebSocket', async () => {
    const { authority, seen } = deployment
    assert.equal(await titleOfPage(authority), 'from the page')
    assert.deepEqual(seen.splice(0), [seenOf('127.0.0.1', 'room')])
  })

  it('refuses pages of other sites with 403, and counts them', async () => {
    const { authority, server } = deployment
    await assert.rejects(exchange(authority, { Origin: 'https://evil.example' }), { status: 403 })
    assert.deepEqual(server.metrics().refusals, { originForbidden: 1 })
  })
}

for (const deployed of httpProxies) {
  describe(`a server behind ${deployed.name}`, () => {
    testDeployment(deployed, () => common, '/')
  })

  it(`a server behind ${deployed.name} without the option hosts answers 421, and counts it`, async () => {
    const { server, proxy, authority } = await deploy(deployed, { ...common, hosts: [] })
    try {
      await assert.rejects(exchange(authority), (error) => error instanceof HandshakeError && error.status === 421)
      assert.deepEqual(server.metrics().refusals, { hostForbidden: 1 })
    } finally {
      await proxy.stop()
      await server.close()
    }
  })
}

for (const deployed of tcpProxies) {
  describe(`a server behind ${deployed.name} of the PROXY protocol`, () => {
    testDeployment(deployed, () => ({ ...common, tls, proxyProtocol: true }), '/chat/')
  })
}

for (const deployed of echoProxies) {
  it(`the echo service behind ${deployed.name} echoes, serves its page, and hides its metrics`, async () => {
    const echo = await startEcho(['--name', echoHost])
    const port = await freePort()
    const setting = { port, serverPort: Number(new URL(echo.url).port), folder }
    const proxy = await ProxyProcess.start(deployed.start(setting), folder, port)
    try {
      const authority = `${echoHost}:${port}`
      assert.equal(await exchange(authority, {}, '/'), 'hi')
      await assert.rejects(exchange(authority, { Origin: 'https://evil.example' }, '/'), { status: 403 })
      assert.equal(await statusOf(port, '/'), 200)
      assert.equal(await statusOf(port, '/metrics'), 403)
      // Fields of the proxy are shown as they are, and are no fault.
      assert.match(echo.process.stderr, /^A page of another origin was refused\. .*\n$/)
    } finally {
      await proxy.stop()
      await echo.process.kill()
    }
  })
}

/** The status of a page of the echo service, for a client that is not this machine's own. */
function statusOf(port: number, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, ca, servername: echoHost, localAddress: clientAddress }
    get({ ...options, headers: { Host: `${echoHost}:${port}` } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).once('error', reject)
  })
}
