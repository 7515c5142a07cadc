import { formatAddress, type IpAddress, parseAddress } from './ip-address.js'

/**
 * The statement of a PROXY header about its connection: the client that the proxy forwards, 'unnamed' for a client without
 * an IP address, or 'own' for a connection that the proxy opened for itself, such as a health check.
 */
export type ProxyHeader = { readonly address: string; readonly port: number } | 'unnamed' | 'own'

/** The most bytes of a header of version 1, with its CRLF, §2.1. */
const mostBytesV1 = 107

/** The most bytes of a header of version 2. Its length field allows 65,551; nginx takes as many as this. */
export const mostBytesV2 = 4096

const lineStart = Uint8Array.from('PROXY ', (character) => character.charCodeAt(0))

/** §2.2. It is malformed in any version of HTTP, and in TLS. */
const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)

/** The bytes of a header of version 2 before its addresses. */
const fixedBytes = 16

/** The high four bits of the byte behind the command, §2.2. */
const families: readonly { readonly addressBytes: number; readonly isNamed: boolean }[] = [
  { addressBytes: 0, isNamed: false },
  { addressBytes: 12, isNamed: true },
  { addressBytes: 36, isNamed: true },
  // A path on the machine of the proxy.
  { addressBytes: 216, isNamed: false },
]

/** Its low four bits: unspecified, a stream, or datagrams that the proxy forwards as a stream. */
const transports = 3

const noHeader = 'has no PROXY header'

const carriageReturn = 0x0d
const lineFeed = 0x0a

/**
 * Reads the header that the PROXY protocol, version 1 or 2, puts in front of a connection. It holds at most 107 bytes; of
 * version 2, the type-length-values behind the addresses are skipped.
 */
export class ProxyHeaderParser {
  /** Undefined while the header is incomplete, and if it has a fault. */
  header: ProxyHeader | undefined
  /** The reason why the bytes are no header, in words that follow "the connection". */
  fault: string | undefined
  readonly #held = new Uint8Array(mostBytesV1)
  #length = 0
  /** Bytes to hold before the next decision. Infinite for version 1, whose end is a CRLF. */
  #needed = fixedBytes
  /** Bytes of the header that are skipped behind those. */
  #toSkip = 0

  /** Whether no byte has arrived. */
  get isEmpty(): boolean {
    return this.#length === 0
  }

  /**
   * Reads a range of bytes, and returns the number of them that belong to the header. Bytes behind a complete header do
   * not. Sets `fault` as soon as the bytes can't become a header.
   */
  receive(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    while (at < end && this.header === undefined && this.fault === undefined) {
      if (this.#length < this.#needed) {
        this.#take(bytes[at]!)
        at += 1
      } else {
        const skipped = Math.min(this.#toSkip, end - at)
        this.#toSkip -= skipped
        at += skipped
      }
      const isWhole = this.#length === this.#needed && this.#toSkip === 0
      if (isWhole && this.fault === undefined) this.header = this.#readV2()
    }
    return at - start
  }

  #take(byte: number): void {
    const at = this.#length
    this.#held[at] = byte
    this.#length = at + 1
    if (this.#held[0] === signature[0]) {
      if (at < signature.length && byte !== signature[at]) this.fault = noHeader
      else if (this.#length === fixedBytes) this.fault = this.#readFixed()
    } else {
      this.#needed = Number.POSITIVE_INFINITY
      this.#takeOfLine(at, byte)
    }
  }

  #takeOfLine(at: number, byte: number): void {
    if (at < lineStart.length && byte !== lineStart[at]) {
      this.fault = noHeader
    } else if (byte === lineFeed && this.#held[at - 1] === carriageReturn) {
      this.header = this.#readV1()
      if (this.header === undefined) this.fault = 'has a malformed line as its PROXY header'
    } else if (this.#length === mostBytesV1) {
      this.fault = `has a PROXY header of version 1 with more than ${mostBytesV1} bytes`
    }
  }

  #readV1(): ProxyHeader | undefined {
    const line = String.fromCharCode(...this.#held.subarray(lineStart.length, this.#length - 2))
    // The rest of the line is to be ignored.
    if (line === 'UNKNOWN' || line.startsWith('UNKNOWN ')) return 'unnamed'
    const [protocol, source = '', destination = '', port = '', destinationPort = '', ...more] = line.split(' ')
    const isV6 = protocol === 'TCP6'
    const address = addressIn(source, isV6)
    const isValid =
      (isV6 || protocol === 'TCP4') &&
      addressIn(destination, isV6) !== undefined &&
      isPort(port) &&
      isPort(destinationPort) &&
      more.length === 0
    return address !== undefined && isValid ? { address: formatAddress(address), port: Number(port) } : undefined
  }

  /** Checks the bytes before the addresses, and decides how many of those behind them count. Returns the fault. */
  #readFixed(): string | undefined {
    const [versionAndCommand, familyAndTransport] = [this.#held[12]!, this.#held[13]!]
    const length = (this.#held[14]! << 8) | this.#held[15]!
    if (versionAndCommand !== 0x20 && versionAndCommand !== 0x21) {
      return 'has a PROXY header of an unknown version or command'
    }
    if (fixedBytes + length > mostBytesV2) {
      return `has a PROXY header of more than ${mostBytesV2} bytes`
    }
    const family = families[familyAndTransport >> 4]
    if (this.#isOwn()) {
      // The family and the addresses are to be ignored.
      this.#toSkip = length
      return undefined
    }
    if (family === undefined || (familyAndTransport & 15) >= transports) {
      return 'has a PROXY header of an unknown address family'
    }
    if (length < family.addressBytes) return 'has a PROXY header with incomplete addresses'
    const held = family.isNamed ? family.addressBytes : 0
    this.#needed = fixedBytes + held
    this.#toSkip = length - held
    return undefined
  }

  #readV2(): ProxyHeader {
    if (this.#isOwn()) return 'own'
    const addresses = new DataView(this.#held.buffer, fixedBytes)
    const familyAndTransport = this.#held[13]!
    // An address without a transport is of no known protocol.
    if ((familyAndTransport & 15) === 0) return 'unnamed'
    switch (familyAndTransport >> 4) {
      case 1: {
        const address = [0, 0, 0, 0, 0, 0xffff, addresses.getUint16(0), addresses.getUint16(2)]
        return { address: formatAddress(address), port: addresses.getUint16(8) }
      }
      case 2: {
        const address = Array.from({ length: 8 }, (_, group) => addresses.getUint16(2 * group))
        return { address: formatAddress(address), port: addresses.getUint16(32) }
      }
      default:
        return 'unnamed'
    }
  }

  /** The command LOCAL. */
  #isOwn(): boolean {
    return this.#held[12] === 0x20
  }
}

function addressIn(text: string, isV6: boolean): IpAddress | undefined {
  return text.includes(':') === isV6 ? parseAddress(text) : undefined
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}
