import { networkInterfaces } from 'node:os'
import type { Command } from 'commander'
import type { Server } from 'twoway/server'
import { CommandFailure } from './command-failure.js'
import { startEchoService } from './echo-service.js'
import { errorCode } from './error-code.js'
import { stopSignal } from './stop-signal.js'
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
      'Sends every WebSocket message back as it came, text as text and binary as binary, on every path, and serves a page to try it with.',
    )
    .option('--port <number>', 'port to listen on; 0 for a free one', '8080')
    .option('--host <address>', 'address to listen on; 0.0.0.0 for all', '127.0.0.1')
    .option('--tls', 'speak TLS: wss and https; needs --cert and --key')
    .option('--cert <file>', 'certificate in PEM, those that vouch for it behind')
    .option('--key <file>', 'its private key in PEM')
    .action(echo)
}

async function echo(options: EchoOptions): Promise<void> {
  const server = await start(options)
  // Before the greeting: who reads it may end us at once.
  const stopped = stopSignal()
  console.log(greeting(server, options.host))
  await stopped
  const { size } = server.connections
  if (size > 0) console.log(`Closing ${size} connection${size === 1 ? '' : 's'}. Ctrl+C again ends at once.`)
  await server.close()
}

async function start(options: EchoOptions): Promise<Server> {
  const port = readPort(options.port)
  const { host } = options
  if (host === '') throw new CommandFailure(noSuchName(port, host))
  const tls = readTls(options)
  try {
    return await startEchoService({ port, host, ...(tls && { tls }) })
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

function readTls({ tls, cert, key }: EchoOptions): ReturnType<typeof readTlsIdentity> | undefined {
  if (tls === undefined) {
    if (cert === undefined && key === undefined) return undefined
    throw new CommandFailure(`--${cert === undefined ? 'key' : 'cert'} is for TLS: add --tls, or leave it out`)
  }
  if (cert !== undefined && key !== undefined) return readTlsIdentity(cert, key)
  const missing = [cert === undefined && '--cert FILE', key === undefined && '--key FILE'].filter(Boolean)
  throw new CommandFailure(`--tls needs a certificate and its key: add ${missing.join(' and ')}`)
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
function greeting(server: Server, host: string): string {
  const urls = [server.url, ...addressesBehind(host).map((address) => urlAt(server, address))]
  const pages = urls.map((url) => `${url.replace(/^ws/, 'http')}/`)
  return [
    'Twoway echo: every message comes back.',
    '',
    listed('WebSocket', urls),
    listed('Page', pages),
    '',
    'Ctrl+C ends it.',
  ].join('\n')
}

/** One URL a line, and in front of the first what they are of. */
function listed(word: string, urls: readonly string[]): string {
  return urls.map((url, index) => `  ${(index === 0 ? word : '').padEnd(11)}${url}`).join('\n')
}

function urlAt(server: Server, address: string): string {
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
