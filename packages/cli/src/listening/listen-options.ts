import type { Command } from 'commander'
import type { TlsServerOptions } from 'twoway/server'
import { CommandFailure } from '../command-failure.js'
import { errorCode } from '../error-code.js'
import { localhostIdentity } from './localhost-identity.js'
import { readTlsIdentity } from './tls-identity.js'

/** What each command that listens takes. */
export interface ListenOptions {
  readonly port: string
  readonly host: string
  readonly tls?: true
  readonly cert?: string
  readonly key?: string
}

/** A certificate and its key; `file` is where the certificate stands if it is our own. */
export type Identity = TlsServerOptions & { readonly file?: string }

/** Where a server is to listen, as `serve` takes it. */
export interface ListenAddress {
  readonly port: number
  readonly host: string
  readonly tls?: TlsServerOptions
}

export function addListenOptions(command: Command): Command {
  return command
    .option('--port <number>', 'port to listen on; 0 for a free one', '8080')
    .option('--host <address>', 'address to listen on; 0.0.0.0 for all', '127.0.0.1')
    .option('--tls', 'speak TLS: wss and https; makes a certificate for localhost where none is given')
    .option('--cert <file>', 'certificate in PEM, those that vouch for it behind')
    .option('--key <file>', 'its private key in PEM')
}

/** Starts a server where the options say. A CommandFailure tells what keeps it from listening there. */
export async function listenAsAsked<Started>(
  options: ListenOptions,
  start: (address: ListenAddress) => Promise<Started>,
): Promise<{ readonly server: Started; readonly identity: Identity | undefined }> {
  const port = readPort(options.port)
  const { host } = options
  if (host === '') throw new CommandFailure(noSuchName(port, host))
  const identity = await chooseIdentity(options)
  try {
    const tls = identity === undefined ? {} : { tls: identity }
    return { server: await start({ port, host, ...tls }), identity }
  } catch (error) {
    const failure = listenFailures[errorCode(error)]
    throw new CommandFailure(
      failure?.(port, host) ?? `can't listen on ${host}, port ${port}: ${(error as Error).message}`,
    )
  }
}

/** How a client comes to trust a certificate of our own. */
export function howToTrust(file: string): string[] {
  return [
    `The certificate is our own, for localhost: ${file}`,
    `  twoway connect  --ca ${file}`,
    `  Node            NODE_EXTRA_CA_CERTS=${file}`,
    '  a browser       open the page and go on past its warning, or add the file to the certificates it trusts',
  ]
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65535) return port
  throw new CommandFailure(
    `a port is a number from 0 to 65535, not "${text}": give one with --port, or 0 for a free one`,
  )
}

async function chooseIdentity({ tls, cert, key }: ListenOptions): Promise<Identity | undefined> {
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
