import { CommandFailure } from '../command-failure.js'
import { readAskedFile } from '../read-asked-file.js'

/** A notation for binary messages in lines of text. */
interface BinaryFormRow {
  /** The bytes of a line; throws a CommandFailure if the line is invalid. */
  parse(line: string): Uint8Array
  /** The line for bytes; undefined to write them unchanged. */
  format(bytes: Uint8Array): string | undefined
}

export const binaryForms = {
  hex: {
    parse(line) {
      const digits = line.replace(/\s+/g, '')
      if (!/^([0-9a-f]{2})*$/i.test(digits)) {
        throw new CommandFailure(
          `a line of ${line.length} characters is not hex: give two digits for each byte, such as 48 65 6c 6c 6f`,
        )
      }
      return Buffer.from(digits, 'hex')
    },
    format: (bytes) => Buffer.from(bytes).toString('hex'),
  },
  base64: {
    parse(line) {
      const text = line.replace(/\s+/g, '')
      if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.replace(/=+$/, '').length % 4 === 1) {
        throw new CommandFailure(`a line of ${line.length} characters is not base64: give bytes such as SGVsbG8=`)
      }
      return Buffer.from(text, 'base64')
    },
    format: (bytes) => Buffer.from(bytes).toString('base64'),
  },
  file: {
    parse: (line) => readAskedFile('the file', line.trim(), 'give the name of a file'),
    format: () => undefined,
  },
} as const satisfies { readonly [name: string]: BinaryFormRow }

export type BinaryForm = keyof typeof binaryForms

export const binaryFormNames = Object.keys(binaryForms) as BinaryForm[]
