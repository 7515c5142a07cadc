import { describeCloseCode, printable } from 'twoway'
import { type BinaryForm, binaryForms } from './binary-form.js'
import type { Message, Report, TalkEvent } from './talk-event.js'
import type { TextOutput } from './text-output.js'

/**
 * A report for programs: each event is a line of JSON with its time. Control characters and invisible characters are
 * escaped in JSON's own syntax, so a program reads the same value.
 */
export function jsonReport(output: TextOutput, binary: BinaryForm = 'base64'): Report {
  const encoding = binary === 'file' ? 'base64' : binary
  return (event) => {
    const json = JSON.stringify({ at: new Date().toISOString(), ...partsOf(event, encoding) })
    return output.write(`${printable(json, { as: 'json' })}\n`)
  }
}

function partsOf(event: TalkEvent, encoding: 'hex' | 'base64'): object {
  if (event.event === 'message' || event.event === 'sent') {
    const { message, ...rest } = event
    return { ...rest, ...partsOfMessage(message, encoding) }
  }
  return event.event === 'close' ? { ...event, meaning: describeCloseCode(event.code) } : event
}

function partsOfMessage(message: Message, encoding: 'hex' | 'base64'): object {
  if (typeof message === 'string') return { type: 'text', size: Buffer.byteLength(message), data: message }
  return { type: 'binary', size: message.length, encoding, data: binaryForms[encoding].format(message) }
}
