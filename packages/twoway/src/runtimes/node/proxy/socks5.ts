import { isIP } from 'node:net'
import { TransportError } from '../../../core/errors.js'
import { encodeLatin1 } from '../../../core/http/latin1.js'
import { encodeUtf8 } from '../../../core/payload/encode-utf8.js'
import { URL } from '../platform.js'
import type { Credentials } from './proxy-address.js'
import type { ProxyDialogue, ProxyTarget } from './proxy-dialogue.js'

const version = 5
/** The version of the sub-negotiation, RFC 1929 §2. */
const loginVersion = 1
const method = { none: 0x00, userPassword: 0x02, noneAcceptable: 0xff } as const
const connectCommand = 0x01
const addressType = { ipv4: 0x01, name: 0x03, ipv6: 0x04 } as const

/** RFC 1928 §6. */
const replies: { readonly [reply: number]: string | undefined } = {
  1: 'it failed',
  2: 'its rules do not allow that target',
  3: 'it found no way to the network',
  4: 'it found no way to the host, or does not know the name',
  5: 'the target refused the connection',
  6: 'the target did not answer it in time',
  7: 'it does not take the command CONNECT',
  8: 'it does not take that type of address',
}

/** A step of the dialogue yields the number of bytes that it needs, and continues with them. */
type Dialogue = Generator<number, void, Uint8Array>

/** Asks a SOCKS5 proxy for a connection, RFC 1928, with user and password by RFC 1929. The constructor sends the greeting. */
export class Socks5 implements ProxyDialogue {
  readonly #dialogue: Dialogue
  #wanted: Uint8Array
  #got = 0
  #isDone = false

  constructor(target: ProxyTarget, credentials: Credentials | undefined, send: (bytes: Uint8Array) => void) {
    this.#dialogue = speak(target, credentials, send)
    this.#wanted = new Uint8Array(this.#dialogue.next().value!)
  }

  get isDone(): boolean {
    return this.#isDone
  }

  receive(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    while (at < end && !this.#isDone) {
      this.#wanted[this.#got++] = bytes[at++]!
      if (this.#got === this.#wanted.length) this.#goOn()
    }
    return at - start
  }

  #goOn(): void {
    const { done = false, value } = this.#dialogue.next(this.#wanted)
    this.#isDone = done
    this.#wanted = new Uint8Array(value ?? 0)
    this.#got = 0
  }
}

function* speak(
  { host, port }: ProxyTarget,
  credentials: Credentials | undefined,
  send: (bytes: Uint8Array) => void,
): Dialogue {
  const methods = credentials === undefined ? [method.none] : [method.none, method.userPassword]
  send(Uint8Array.of(version, methods.length, ...methods))
  const [chosenVersion, chosen = method.noneAcceptable] = yield 2
  if (chosenVersion !== version) throw new TransportError('its answer is not SOCKS5')
  if (credentials !== undefined && chosen === method.userPassword) {
    send(Uint8Array.of(loginVersion, ...counted(credentials.user), ...counted(credentials.password)))
    const [, status] = yield 2
    if (status !== 0) throw new TransportError('it does not take the user and password given')
  } else if (chosen !== method.none) {
    throw new TransportError(
      credentials === undefined && chosen === method.noneAcceptable
        ? "it asks for a user and a password: write them in the proxy's URL, socks5://user:password@host:port"
        : 'it takes none of the ways to log in that were offered',
    )
  }
  send(Uint8Array.of(version, connectCommand, 0, ...addressOf(host), port >> 8, port & 0xff))
  const [replyVersion, reply = 1, , type] = yield 4
  if (replyVersion !== version) throw new TransportError('its answer is not SOCKS5')
  if (reply !== 0) throw new TransportError(`${replies[reply] ?? 'it refused'} (SOCKS5 reply ${reply})`)
  // The proxy's own address is not used, but it must be read.
  if (type === addressType.ipv4) yield 4 + 2
  else if (type === addressType.ipv6) yield 16 + 2
  else if (type === addressType.name) yield (yield 1)[0]! + 2
  else throw new TransportError('its answer is not SOCKS5')
}

function addressOf(host: string): readonly number[] {
  const family = isIP(host)
  if (family === 4) return [addressType.ipv4, ...host.split('.').map(Number)]
  if (family === 6) return [addressType.ipv6, ...bytesOfIpv6(host)]
  return [addressType.name, ...countedBytes(encodeLatin1(host))]
}

function bytesOfIpv6(address: string): readonly number[] {
  // In a URL, an IPv6 address has only groups of hexadecimal digits, and no zone.
  const groups = new URL(`http://[${address.replace(/%.*/, '')}]`).hostname.slice(1, -1)
  const { 0: head = '', 1: tail } = groups.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return before.concat(zeros, after).flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

function counted(text: string): readonly number[] {
  return countedBytes(encodeUtf8(text))
}

/** One to 255 bytes behind a byte with their number. */
function countedBytes(bytes: Uint8Array): readonly number[] {
  if (bytes.length === 0 || bytes.length > 255) {
    throw new TransportError('SOCKS5 carries names, users and passwords of 1 to 255 bytes only')
  }
  return [bytes.length, ...bytes]
}
