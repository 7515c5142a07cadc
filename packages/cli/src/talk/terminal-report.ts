import { describeCloseCode, printable } from 'twoway'
import type { Colours } from '../colours.js'
import { formatMessage } from './format-message.js'
import type { Message, Report, TalkEvent } from './talk-event.js'

export interface TerminalReportOptions {
  readonly colours: Colours
  /** Shows JSON unchanged. */
  readonly raw?: boolean | undefined
  /** Prints lines above the input line. */
  print(text: string): void
}

/** A report for people in a terminal: each event with its time and direction. */
export function terminalReport({ colours, raw, print }: TerminalReportOptions): Report {
  const size = (message: Message): string => colours.dim(sizeOf(message))
  const lines: { readonly [kind in TalkEvent['event']]: (event: never) => string } = {
    listening: ({ url }: Of<'listening'>) => colours.green(`listening on ${url}`),
    open: ({ client, url, protocol, extensions }: Of<'open'>) =>
      colours.green(`connected ${client === undefined ? 'to' : 'by'} ${printable(url)}`) +
      (protocol === '' ? '' : `, subprotocol ${printable(protocol)}`) +
      (extensions === '' ? '' : `, ${printable(extensions)}`),
    message: ({ message }: Of<'message'>) =>
      `${colours.cyan('↓')} ${size(message)}  ${block(formatMessage(message, colours, raw))}`,
    sent: ({ message }: Of<'sent'>) =>
      `${colours.magenta('↑')} ${size(message)}  ${block(formatMessage(message, colours, raw))}`,
    pong: ({ ms }: Of<'pong'>) => colours.dim(`pong after ${ms.toFixed(1)} ms`),
    close: ({ code, reason, wasClean }: Of<'close'>) =>
      (wasClean ? colours.magenta : colours.red)(
        `closed: ${code}, ${describeCloseCode(code)}${reason === '' ? '' : `, "${printable(reason)}"`}${wasClean ? '' : ' (not clean)'}`,
      ),
    error: ({ message }: Of<'error'>) => colours.red(printable(message, { as: 'sentence' })),
    retry: ({ inMs }: Of<'retry'>) => colours.dim(`reconnecting in ${(inMs / 1000).toFixed(1)} s`),
  }
  return (event) => {
    const who = event.client === undefined ? '' : `${colours.bold(`#${event.client}`)} `
    print(`${colours.dim(timeOf(new Date()))} ${who}${lines[event.event](event as never)}`)
  }
}

type Of<Kind extends TalkEvent['event']> = Extract<TalkEvent, { readonly event: Kind }>

function timeOf(date: Date): string {
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  )
  return `${hours}:${minutes}:${seconds}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

function sizeOf(message: Message): string {
  return typeof message === 'string' ? `text ${Buffer.byteLength(message)}` : `binary ${message.length}`
}

/** Text of several lines begins below its heading, indented. */
function block(text: string): string {
  return text.includes('\n') ? `\n${text.replace(/^/gm, '    ')}` : text
}
