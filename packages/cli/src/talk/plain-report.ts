import { describeCloseCode, printable } from 'twoway'
import { noColours } from '../colours.js'
import { tell } from '../tell.js'
import { type BinaryForm, binaryForms } from './binary-form.js'
import { formatMessage } from './format-message.js'
import type { Message, Report } from './talk-event.js'
import type { TextOutput } from './text-output.js'

/**
 * A report for programs that read lines: each message is a line, binary in the form `binary` or unchanged. If the output
 * is a terminal, messages are made printable and long ones are cut. Other events go to stderr, with `verbose` only.
 */
export function plainReport(output: TextOutput, binary: BinaryForm = 'file', verbose = false): Report {
  const tellMore = (text: string): void => {
    if (verbose) tell(text)
  }
  return (event) => {
    const who = event.client === undefined ? '' : `#${event.client} `
    switch (event.event) {
      case 'message': {
        const { message } = event
        if (output.isTerminal) return output.write(`${onTerminal(message, binary)}\n`)
        const line = typeof message === 'string' ? message : binaryForms[binary].format(message)
        return line === undefined ? output.write(message) : output.write(`${line}\n`)
      }
      case 'listening':
        return tell(`Listening on ${event.url}`)
      case 'open':
        return tellMore(`${who}connected${event.protocol === '' ? '' : `, subprotocol ${printable(event.protocol)}`}`)
      case 'pong':
        return tellMore(`${who}pong after ${event.ms.toFixed(1)} ms`)
      case 'close':
        return tellMore(
          `${who}closed: ${event.code}, ${describeCloseCode(event.code)}${event.reason === '' ? '' : `, "${printable(event.reason)}"`}`,
        )
      case 'retry':
        return tellMore(`${who}reconnecting in ${(event.inMs / 1000).toFixed(1)} s`)
      case 'error':
        return tell(`twoway: ${event.message}.`)
      case 'sent':
        return undefined
    }
  }
}

/** Bytes in the requested form, or else as a hex dump; never unchanged. */
function onTerminal(message: Message, binary: BinaryForm): string {
  const line = typeof message === 'string' ? undefined : binaryForms[binary].format(message)
  return formatMessage(line ?? message, noColours, true)
}
