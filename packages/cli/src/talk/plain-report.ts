import { describeCloseCode } from 'twoway'
import { type BinaryForm, binaryForms } from './binary-form.js'
import { printable } from './printable.js'
import type { Report } from './talk-event.js'
import type { TextOutput } from './text-output.js'

/**
 * For programs that read lines: each message is one, binary as `binary` says or as its very bytes. What else happens
 * goes to stderr, and only where `verbose` asks for it.
 */
export function plainReport(output: TextOutput, binary: BinaryForm = 'file', verbose = false): Report {
  const tell = (text: string): void => {
    if (verbose) console.error(printable(text))
  }
  return (event) => {
    const who = event.client === undefined ? '' : `#${event.client} `
    switch (event.event) {
      case 'message': {
        const { message } = event
        const line = typeof message === 'string' ? message : binaryForms[binary].format(message)
        return line === undefined ? output.write(message) : output.write(`${line}\n`)
      }
      case 'listening':
        return console.error(`Listening on ${event.url}`)
      case 'open':
        return tell(`${who}connected${event.protocol === '' ? '' : `, subprotocol ${event.protocol}`}`)
      case 'pong':
        return tell(`${who}pong after ${event.ms.toFixed(1)} ms`)
      case 'close':
        return tell(
          `${who}closed: ${event.code}, ${describeCloseCode(event.code)}${event.reason === '' ? '' : `, "${event.reason}"`}`,
        )
      case 'retry':
        return tell(`${who}trying again in ${(event.inMs / 1000).toFixed(1)} s`)
      case 'error':
        return console.error(`twoway: ${printable(event.message)}.`)
      case 'sent':
        return undefined
    }
  }
}
