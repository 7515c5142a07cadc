import { networkInterfaces } from 'node:os'
import type { Command } from 'commander'
import type { Server, TlsServerOptions } from 'twoway/server'
import { CommandFailure } from '../command-failure.js'
import { errorCode } from '../error-code.js'
import { stopSignal } from '../stop-signal.js'
import { startEchoService } from './echo-service.js'
import { listEchoSettings } from './echo-settings.js'
import { localhostIdentity } from './localhost-identity.js'
import { readTlsIdentity } from './tls-identity.js'

interface EchoOptions {
  readonly port: string
  readonly host: string
  readonly tls?: true
  readonly cert?: string
  readonly key?: string
}

/** Adds the command `twoway echo`: the echo service, until a signal ends it. */
export function addEcho(program: Command): void {
  program
    .command('echo')
    .summary('send every WebSocket message back')
    .description(
      'Sends every WebSocket message back as it came, text as text and binary as binary, on every path, and serves a page to try it with. What a URL asks in its query it does besides.',
    )
    .option('--port <number>', 'port to listen on; 0 for a free one', '8080')
    .option('--host <address>', 'address to listen on; 0.0.0.0 for all', '127.0.0.1')
    .option('--tls', 'speak TLS: wss and https; makes a certificate for localhost where none is given')
    .option('--cert <file>', 'certificate in PEM, those that vouch for it behind')
    .option('--key <file>', 'its private key in PEM')
    .addHelpText('after', `\nIn a URL's query, as in ws://127.0.0.1:8080/?delay=200&drop=0.1\n${listEchoSettings()}`)
    .addHelpText('after', '\nGET /health says whether it runs, GET /metrics gives figures for Prometheus.')
    .action(echo)
}

async function echo(options: EchoOptions): Promise<void> {
  const port = readPort(options.port)
  const { host } = options
  if (host === '') throw new CommandFailure(noSuchName(port, host))
  const tls = await chooseIdentity(options)
  const server = await start(port, host, tls)
  // Before the greeting: who reads it may end us at once.
  const stopped = stopSignal()
  console.log(greeting(server, host, tls))
  await stopped
  const { size } = server.connections
  if (size > 0) console.log(`Closing ${size} connection${size === 1 ? '' : 's'}. Ctrl+C again ends at once.`)
  await server.close()
}

async function start(port: number, host: string, tls: Identity | undefined): Promise<Server<unknown>> {
  try {
    return await startEchoService({ port, host, ...(tls && { tls: { cert: tls.cert, key: tls.key } }) })
  } catch (error) {
    const failure = listenFailures[errorCode(error)]
    throw new CommandFailure(
      failure?.(port, host) ?? `can't listen on ${host}, port ${port}: ${(error as Error).message}`,
    )
  }
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65535) return port
  throw new CommandFailure(
    `a port is a number from 0 to 65535, not "${text}": give one with --port, or 0 for a free one`,
  )
}

/** A certificate and its key; `file` is where it stands if it is our own. */
type Identity = TlsServerOptions & { readonly file?: string }

async function chooseIdentity({ tls, cert, key }: EchoOptions): Promise<Identity | undefined> {
  if (tls === undefined) {
    if (cert === undefined && key === undefined) return undefined
    throw new CommandFailure(`--${cert === undefined ? 'key' : 'cert'} is for TLS: add --tls, or leave it out`)
  }
  if (cert === undefined && key === undefined) return localhostIdentity()
  if (cert !== undefined && key !== undefined) return readTlsIdentity(cert, key)
  throw new CommandFailure(
    `a certificate and its key go together: add --${cert === undefined ? 'cert' : 'key'} FILE, or leave both out for a certificate for localhost`,
  )
}

const noSuchAddress = (_port: number, host: string): string =>
  `${host} is no address of this machine: give one with --host, 127.0.0.1 for this machine alone or 0.0.0.0 for all`

const noSuchName = (_port: number, host: string): string =>
  `there is no host of the name "${host}": give an address of this machine with --host, such as 127.0.0.1`

/** Why an address can't be had, by the system's code. */
const listenFailures: Readonly<Record<string, (port: number, host: string) => string>> = {
  EADDRINUSE: (port, host) =>
    `port ${port} of ${host} is in use: choose another with --port, or --port 0 for one that is free`,
  EACCES: (port) =>
    `you have no right to listen on port ${port}${port < 1024 ? ', as those below 1024 are reserved' : ''}: choose another with --port, such as 8080`,
  EADDRNOTAVAIL: noSuchAddress,
  EAFNOSUPPORT: noSuchAddress,
  EINVAL: noSuchAddress,
  ENOTFOUND: noSuchName,
  EAI_AGAIN: noSuchName,
}

/** Where the service can be reached, for people; a pipe gets the same. */
function greeting(server: Server<unknown>, host: string, tls: Identity | undefined): string {
  const urls = [server.url, ...addressesBehind(host).map((address) => urlAt(server, address))]
  const pages = urls.map((url) => `${url.replace(/^ws/, 'http')}/`)
  return [
    'Twoway echo: every message comes back.',
    '',
    listed('WebSocket', urls),
    listed('Page', pages),
    '',
    ...(tls?.file === undefined ? [] : howToTrust(tls.file)),
    'Ctrl+C ends it.',
  ].join('\n')
}

function howToTrust(file: string): string[] {
  return [
    `The certificate is our own, for localhost: ${file}`,
    `  twoway connect  --ca ${file}`,
    `  Node            NODE_EXTRA_CA_CERTS=${file}`,
    '  a browser       open the page and go on past its warning, or add the file to the certificates it trusts',
    '',
  ]
}

/** One URL a line, and in front of the first what they are of. */
function listed(word: string, urls: readonly string[]): string {
  return urls.map((url, index) => `  ${(index === 0 ? word : '').padEnd(11)}${url}`).join('\n')
}

function urlAt(server: Server<unknown>, address: string): string {
  const { protocol } = new URL(server.url)
  return `${protocol}//${address.includes(':') ? `[${address}]` : address}:${server.port}`
}

/** This machine's addresses for others, where the service listens on all of them. */
function addressesBehind(host: string): string[] {
  if (host !== '0.0.0.0' && host !== '::') return []
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family, scopeid }) => !internal && (family === 'IPv4' || (host === '::' && scopeid === 0)))
    .map(({ address }) => address)
}
