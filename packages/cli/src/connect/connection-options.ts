import { type Command, InvalidArgumentError } from 'commander'
import type { WebSocketStreamOptions } from 'twoway'
import { CommandFailure } from '../command-failure.js'
import { readAskedFile } from '../read-asked-file.js'

/** The options of each command that connects. */
export interface ConnectionOptions {
  readonly header: readonly (readonly [name: string, value: string])[]
  readonly subprotocol: readonly string[]
  readonly origin?: string
  readonly proxy?: string
  readonly ca?: string
  readonly insecure?: true
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
  readonly auth?: string
  readonly compression: boolean
}

export function addConnectionOptions(command: Command): Command {
  return command
    .option('-H, --header <line>', 'add a header, "Name: value", to the handshake; may be repeated', addHeader, [])
    .option('-s, --subprotocol <name>', 'offer a subprotocol; may be repeated', addTo, [])
    .option('--origin <origin>', 'send this Origin header, as a browser would')
    .option('--proxy <url>', 'use a proxy: http, https, socks5 or socks5h; "env" reads the environment')
    .option('--ca <file>', 'trust this CA certificate, in PEM')
    .option('--insecure', 'trust any certificate')
    .option('--cert <file>', 'client certificate in PEM; the file may also contain its key')
    .option('--key <file>', 'private key of --cert in PEM')
    .option('--passphrase <text>', 'passphrase of the private key')
    .option('--auth <user:password>', 'user and password for Basic authentication')
    .option('--no-compression', 'do not offer permessage-deflate')
}

/** The library's options for these command-line options. */
export function toStreamOptions(options: ConnectionOptions): WebSocketStreamOptions {
  const { header, subprotocol, origin, proxy, ca, insecure, passphrase, auth, compression } = options
  return {
    headers: auth === undefined ? header : [...header, basicAuthentication(auth, header)],
    protocols: subprotocol,
    origin,
    proxy,
    ...(ca !== undefined && { ca: readAuthority(ca) }),
    ...(insecure && { rejectUnauthorized: false }),
    ...readIdentity(options),
    passphrase,
    ...(!compression && { perMessageDeflate: false }),
  }
}

/** A parser for the number of an option; it refuses any other text. */
export function numberFrom(least: number, most: number, isInteger = false): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most && (!isInteger || Number.isInteger(value))) return value
    throw new InvalidArgumentError(`Give ${isInteger ? 'a whole number' : 'a number'} from ${least} to ${most}`)
  }
}

/** Completes a URL as people type it: the default scheme is ws, and a port alone means this machine. */
export function completeUrl(text: string): string {
  if (/^:?\d{1,5}([/?#]|$)/.test(text)) return `ws://127.0.0.1:${text.replace(/^:/, '')}`
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^wss?\+unix:/i.test(text) ? text : `ws://${text}`
}

function addTo(value: string, values: readonly string[]): readonly string[] {
  return [...values, value]
}

function addHeader(line: string, lines: ConnectionOptions['header']): ConnectionOptions['header'] {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Give it as "Name: value"')
  return [...lines, [name, value]]
}

/** The header of RFC 7617. It accepts any text, because an error could repeat a secret. */
function basicAuthentication(auth: string, headers: ConnectionOptions['header']): readonly [string, string] {
  if (headers.some(([name]) => name.toLowerCase() === 'authorization')) {
    throw new CommandFailure("--auth and an Authorization header can't be combined: give one of them")
  }
  const credentials = auth.includes(':') ? auth : `${auth}:`
  return ['Authorization', `Basic ${Buffer.from(credentials).toString('base64')}`]
}

function readIdentity({ cert, key = cert, passphrase }: ConnectionOptions): { cert?: string; key?: string } {
  if (cert === undefined || key === undefined) {
    if (key !== undefined) throw new CommandFailure('--key needs its certificate: give it with --cert')
    if (passphrase !== undefined) throw new CommandFailure('--passphrase needs a key: give it with --cert and --key')
    return {}
  }
  return {
    cert: readAskedFile('the certificate', cert, 'give a PEM file with --cert').toString(),
    key: readAskedFile('the key', key, 'give a PEM file with --key').toString(),
  }
}

function readAuthority(file: string): string {
  const pem = readAskedFile('the certificate', file, 'give a PEM file with --ca').toString()
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
  throw new CommandFailure(`${file} contains no certificate in PEM: give one with --ca`)
}
