/** An IP address as the eight 16-bit groups of IPv6; an IPv4 address is mapped into it, RFC 4291 §2.5.5.2. */
export type IpAddress = readonly number[]

const decimal = /^(?:0|[1-9]\d{0,2})$/
const hexadecimal = /^[0-9a-f]{1,4}$/i

/** Reads an address without brackets, port or zone. Undefined if the text is none. */
export function parseAddress(text: string): IpAddress | undefined {
  // The longest form has 45 characters. A longer text is not worth the work.
  if (text.length > 45) return undefined
  return text.includes(':') ? parseV6(text) : parseV4(text)
}

/** Whether an address is one of IPv4, possibly mapped into IPv6. */
export function isV4(address: IpAddress): boolean {
  return address[5] === 0xffff && address.slice(0, 5).every((group) => group === 0)
}

/** The canonical text of an address: RFC 5952 for IPv6, and four decimal numbers for IPv4, also if it is mapped. */
export function formatAddress(address: IpAddress): string {
  if (isV4(address)) return [address[6]! >> 8, address[6]! & 255, address[7]! >> 8, address[7]! & 255].join('.')
  const { start, length } = longestZeros(address)
  const groups = address.map((group) => group.toString(16))
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`
}

function parseV4(text: string): IpAddress | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => decimal.test(part) && Number(part) < 256)) return undefined
  const [a, b, c, d] = parts.map(Number) as [number, number, number, number]
  return [0, 0, 0, 0, 0, 0xffff, (a << 8) | b, (c << 8) | d]
}

function parseV6(text: string): IpAddress | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [before, after] = [groupsOf(halves[0]!), groupsOf(halves[1] ?? '')]
  if (before === undefined || after === undefined) return undefined
  // The last 32 bits may be written as IPv4, and only these, RFC 4291 §2.2.
  if (halves.length === 2 && halves[0]!.includes('.')) return undefined
  const zeros = 8 - before.length - after.length
  if (halves.length === 2 ? zeros < 1 : zeros !== 0) return undefined
  return [...before, ...Array.from({ length: zeros }, () => 0), ...after]
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const last = parts.at(-1)!
  const tail = last.includes('.') ? parseV4(last)?.slice(6) : []
  if (tail === undefined) return undefined
  if (tail.length > 0) parts.pop()
  if (!parts.every((part) => hexadecimal.test(part))) return undefined
  return [...parts.map((part) => Number.parseInt(part, 16)), ...tail]
}

function longestZeros(address: IpAddress): { readonly start: number; readonly length: number } {
  let longest = { start: 0, length: 0 }
  for (let start = 0; start < 8; start += 1) {
    let end = start
    while (end < 8 && address[end] === 0) end += 1
    if (end - start > longest.length) longest = { start, length: end - start }
  }
  return longest
}
