export interface HexRow {
  /** The offset of its first byte, as eight hex digits. */
  readonly offset: string
  /** Two digits per byte, separated by spaces, padded to the width of a full row. */
  readonly hex: string
  /** One character per byte; a dot for bytes that are not printable ASCII. */
  readonly ascii: string
}

/** The bytes as rows of a hex dump, with `perRow` bytes each. */
export function hexRows(bytes: Uint8Array, perRow = 16): HexRow[] {
  return Array.from({ length: Math.ceil(bytes.length / perRow) }, (_, row) => {
    const part = [...bytes.subarray(row * perRow, (row + 1) * perRow)]
    return {
      offset: (row * perRow).toString(16).padStart(8, '0'),
      hex: part
        .map(hexByte)
        .join(' ')
        .padEnd(perRow * 3 - 1),
      ascii: part.map(printable).join(''),
    }
  })
}

/** The first bytes on one line, for a preview. */
export function hexLine(bytes: Uint8Array, most = 24): string {
  return [...bytes.subarray(0, most)].map(hexByte).join(' ') + (bytes.length > most ? ' …' : '')
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'
}
