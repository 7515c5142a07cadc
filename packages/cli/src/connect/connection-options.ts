import { type Command, InvalidArgumentError } from 'commander'
import type { WebSocketStreamOptions } from 'twoway'
import { CommandFailure } from '../command-failure.js'
import { readAskedFile } from '../read-asked-file.js'

/** What each command that connects takes. */
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
    .option('-H, --header <line>', 'add "Name: value" to the handshake; more than once for more', addHeader, [])
    .option('-s, --subprotocol <name>', 'offer a subprotocol; more than once for more', addTo, [])
    .option('--origin <origin>', 'send this Origin, as a page of it would')
    .option('--proxy <url>', 'go through a proxy: http, https, socks5 or socks5h; "env" for the environment\'s')
    .option('--ca <file>', 'trust the authority of this certificate, PEM')
    .option('--insecure', 'trust any certificate')
    .option('--cert <file>', 'show the server this certificate, PEM; its key may stand in the same file')
    .option('--key <file>', 'the private key of --cert, PEM')
    .option('--passphrase <text>', 'what decrypts the key')
    .option('--auth <user:password>', 'say who you are, by Basic authentication')
    .option('--no-compression', 'do not offer to compress messages')
}

/** The options of the library that were asked for. */
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

/** Parses a number that an option takes, and refuses what is none. */
export function numberFrom(least: number, most: number, isInteger = false): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most && (!isInteger || Number.isInteger(value))) return value
    throw new InvalidArgumentError(`It must be ${isInteger ? 'a whole number' : 'a number'} from ${least} to ${most}`)
  }
}

/** A URL as people type it: without a scheme it is ws, and a port alone is one of this machine. */
export function completeUrl(text: string): string {
  if (/^:?\d{1,5}([/?#]|$)/.test(text)) return `ws://127.0.0.1:${text.replace(/^:/, '')}`
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^wss?\+unix:/i.test(text) ? text : `ws://${text}`
}

function addTo(value: string, values: readonly string[]): readonly string[] {
  return [...values, value]
}

function addHeader(line: string, lines: ConnectionOptions['header']): ConnectionOptions['header'] {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Write it as "Name: value"')
  return [...lines, [name, value]]
}

/** RFC 7617. Takes any text, as a refusal would repeat a secret. */
function basicAuthentication(auth: string, headers: ConnectionOptions['header']): readonly [string, string] {
  if (headers.some(([name]) => name.toLowerCase() === 'authorization')) {
    throw new CommandFailure('--auth and a header Authorization exclude each other: give one of them')
  }
  const credentials = auth.includes(':') ? auth : `${auth}:`
  return ['Authorization', `Basic ${Buffer.from(credentials).toString('base64')}`]
}

function readIdentity({ cert, key = cert, passphrase }: ConnectionOptions): { cert?: string; key?: string } {
  if (cert === undefined || key === undefined) {
    if (key !== undefined) throw new CommandFailure('--key is the key of a certificate: give that with --cert')
    if (passphrase !== undefined) throw new CommandFailure('--passphrase decrypts a key: give that with --cert')
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
  throw new CommandFailure(`${file} holds no certificate in PEM: give one with --ca`)
}
