import { printable } from 'twoway'
import type { Colours } from '../colours.js'
import { formatJson } from './format-json.js'
import type { Message } from './talk-event.js'

/** The most that is shown of a message in a terminal; the rest is counted. */
const mostCharacters = 8192
const mostBytes = 512
const bytesPerRow = 16

/** A message for display: text, indented JSON, or a hex dump of binary. */
export function formatMessage(message: Message, colours: Colours, raw = false): string {
  if (typeof message !== 'string') return formatBytes(message, colours)
  const isWhole = message.length <= mostCharacters
  const formatted = isWhole && !raw ? formatJson(message, colours) : undefined
  return formatted ?? printable(message, { lines: true, maxLength: mostCharacters })
}

function formatBytes(bytes: Uint8Array, colours: Colours): string {
  if (bytes.length === 0) return colours.dim('(no bytes)')
  const rows: string[] = []
  for (let at = 0; at < Math.min(bytes.length, mostBytes); at += bytesPerRow) {
    const row = [...bytes.subarray(at, at + bytesPerRow)]
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    rows.push(`${colours.dim(at.toString(16).padStart(6, '0'))}  ${hex.padEnd(3 * bytesPerRow)} ${colours.dim(text)}`)
  }
  const rest = bytes.length - mostBytes
  return [...rows, ...(rest > 0 ? [colours.dim(`… and ${rest} more bytes`)] : [])].join('\n')
}
