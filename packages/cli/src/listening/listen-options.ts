import type { Command } from 'commander'
import type { TlsServerOptions } from 'twoway/server'
import { CommandFailure } from '../command-failure.js'
import { errorCode } from '../error-code.js'
import { localhostIdentity } from './localhost-identity.js'
import { readTlsIdentity } from './tls-identity.js'

/** The options of each command that listens. */
export interface ListenOptions {
  readonly port: string
  readonly host: string
  readonly tls?: true
  readonly cert?: string
  readonly key?: string
}

/** A certificate and its key; `file` is the path of the certificate if it was generated. */
export type Identity = TlsServerOptions & { readonly file?: string }

/** The address of a server: options of `serve`. */
export interface ListenAddress {
  readonly port: number
  readonly host: string
  readonly tls?: TlsServerOptions
}

export function addListenOptions(command: Command): Command {
  return command
    .option('--port <number>', 'port to listen on; 0 for any free port', '8080')
    .option('--host <address>', 'address to listen on; 0.0.0.0 for all', '127.0.0.1')
    .option('--tls', 'use TLS (wss and https), with a generated certificate for localhost if none is given')
    .option('--cert <file>', 'certificate in PEM, followed by its intermediate certificates')
    .option('--key <file>', 'private key of the certificate in PEM')
}

/** Starts a server as the options say. A CommandFailure says why it can't listen there. */
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

/** Instructions that make a client trust the generated certificate. */
export function howToTrust(file: string): string[] {
  return [
    `The certificate for localhost was generated: ${file}`,
    `  twoway connect  --ca ${file}`,
    `  Node            NODE_EXTRA_CA_CERTS=${file}`,
    '  a browser       open the page and accept the warning, or add the file to its trusted certificates',
  ]
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65535) return port
  throw new CommandFailure(`"${text}" is not a port: give a number from 1 to 65535 with --port, or 0 for any free port`)
}

async function chooseIdentity({ tls, cert, key }: ListenOptions): Promise<Identity | undefined> {
  if (tls === undefined) {
    if (cert === undefined && key === undefined) return undefined
    throw new CommandFailure(`--${cert === undefined ? 'key' : 'cert'} needs --tls: add --tls, or omit it`)
  }
  if (cert === undefined && key === undefined) return localhostIdentity()
  if (cert !== undefined && key !== undefined) return readTlsIdentity(cert, key)
  throw new CommandFailure(
    `--cert and --key go together: add --${cert === undefined ? 'cert' : 'key'} FILE, or omit both to generate a certificate for localhost`,
  )
}

const noSuchAddress = (_port: number, host: string): string =>
  `${host} is not an address of this machine: use --host 127.0.0.1 for this machine only, or --host 0.0.0.0 for all addresses`

const noSuchName = (_port: number, host: string): string =>
  `the host "${host}" does not exist: give an address of this machine with --host, such as 127.0.0.1`

/** Why a server can't listen on an address, by the code of the system. */
const listenFailures: Readonly<Record<string, (port: number, host: string) => string>> = {
  EADDRINUSE: (port, host) =>
    `port ${port} of ${host} is in use: choose another with --port, or use --port 0 for any free port`,
  EACCES: (port) =>
    `no permission to listen on port ${port}${port < 1024 ? ', because ports below 1024 are reserved' : ''}: choose another with --port, such as 8080`,
  EADDRNOTAVAIL: noSuchAddress,
  EAFNOSUPPORT: noSuchAddress,
  EINVAL: noSuchAddress,
  ENOTFOUND: noSuchName,
  EAI_AGAIN: noSuchName,
}
