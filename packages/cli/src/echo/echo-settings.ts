/** A setting of the echo service in the query of a URL. */
interface EchoSetting {
  /** Its syntax, such as `delay=MS`. */
  readonly form: string
  /** The values that it accepts, as the end of "must be ...". */
  readonly takes: string
  readonly does: string
  /** Parses a value; undefined if it is invalid. */
  parse(text: string): unknown
}

/** When a connection ends: after a number of messages, or a time after it opened. */
export type EndAfter = { readonly messages: number } | { readonly milliseconds: number }

/** All settings of the echo service. The help, the checks and the errors are made from this table. */
export const echoSettings = {
  delay: {
    form: 'delay=MS',
    takes: 'milliseconds from 0 to 60000',
    does: 'delays each echo',
    parse: number(0, 60_000),
  },
  jitter: {
    form: 'jitter=MS',
    takes: 'milliseconds from 0 to 60000',
    does: 'adds a random delay of up to this much to each echo, and keeps the order',
    parse: number(0, 60_000),
  },
  drop: {
    form: 'drop=P',
    takes: 'a probability from 0 to 1',
    does: 'drops messages with this probability',
    parse: number(0, 1),
  },
  close: {
    form: 'close=CODE',
    takes: 'a code that a Close may carry: 1000 to 1003, 1007 to 1014, or 3000 to 4999',
    does: 'closes with this code, at once or as "after" says',
    parse: closeCode,
  },
  reason: {
    form: 'reason=TEXT',
    takes: 'a text of at most 123 bytes of UTF-8, with "close"',
    does: 'closes with this reason',
    parse: closeReason,
  },
  abort: {
    form: 'abort',
    takes: 'without a value',
    does: 'resets the TCP connection without a Close, at once or as "after" says',
    parse: flag,
  },
  after: {
    form: 'after=N or after=Ns',
    takes: 'a number of messages, 1 or more, or of seconds such as 5s, with "close" or "abort"',
    does: 'waits for N messages, or N seconds, before "close" or "abort"',
    parse: endAfter,
  },
  fragment: {
    form: 'fragment=N',
    takes: 'bytes from 1 to 65536',
    does: 'sends each echo in frames of N bytes',
    parse: integer(1, 65_536),
  },
  deflate: {
    form: 'deflate',
    takes: 'without a value',
    does: 'accepts permessage-deflate if the client offers it, and compresses every echo',
    parse: flag,
  },
  slow: {
    form: 'slow=N',
    takes: 'bytes per second, 1 or more',
    does: 'reads your messages at N bytes per second',
    parse: integer(1, 2 ** 30),
  },
  size: {
    form: 'size=N',
    takes: 'bytes from 1 to 1048576',
    does: 'sends text messages of N bytes on its own, one per second unless "rate" is given',
    parse: integer(1, 1 << 20),
  },
  rate: {
    form: 'rate=N',
    takes: 'messages per second above 0, at most 10000',
    does: 'sends N messages per second on its own, of 16 bytes unless "size" is given, up to 64 MiB per second; skips messages that the client does not read in time',
    parse: number(0.001, 10_000),
  },
  ping: {
    form: 'ping=MS',
    takes: 'milliseconds from 10 to 3600000',
    does: 'sends a Ping at this interval',
    parse: integer(10, 3_600_000),
  },
  mirror: {
    form: 'mirror=request',
    takes: '"request"',
    does: 'first sends the received handshake as JSON; values of headers that may contain a secret are masked',
    parse: oneOf('request'),
  },
  subprotocol: {
    form: 'subprotocol=NAME',
    takes: 'a subprotocol that the client offers, or empty for none',
    does: 'chooses this subprotocol of those that you offer, instead of the first',
    parse: (text) => (/^[!#$%&'*+.^_`|~0-9A-Za-z-]*$/.test(text) ? text : undefined),
  },
  status: {
    form: 'status=CODE',
    takes: 'an HTTP status from 300 to 599',
    does: 'refuses the handshake with this status',
    parse: integer(300, 599),
  },
} as const satisfies { readonly [name: string]: EchoSetting }

export type EchoSettings = {
  readonly [name in keyof typeof echoSettings]?: Exclude<ReturnType<(typeof echoSettings)[name]['parse']>, undefined>
}

/** The settings of a query, or `complaint`: a clause that says what is wrong with it. */
export type AskedSettings =
  | { readonly settings: EchoSettings; readonly complaint?: undefined }
  | { readonly settings?: undefined; readonly complaint: string }

/** Reads the settings from the query of a URL. */
export function readEchoSettings(query: URLSearchParams): AskedSettings {
  const settings: Record<string, unknown> = {}
  for (const [name, text] of query) {
    if (!isSetting(name)) return { complaint: `there is no setting "${name}"` }
    if (Object.hasOwn(settings, name)) return { complaint: `"${name}" is given twice` }
    const value = echoSettings[name].parse(text)
    if (value === undefined) return { complaint: `"${name}" must be ${echoSettings[name].takes}, not "${text}"` }
    settings[name] = value
  }
  const complaint = complaintOf(settings)
  return complaint === undefined ? { settings } : { complaint }
}

/** The list of all settings for the help and for errors, with their syntax and effect, in 80 columns. */
export function listEchoSettings(): string {
  return Object.values(echoSettings)
    .flatMap(({ form, does }) => {
      const lines = does.match(/.{1,54}(?= |$)/g) ?? []
      return lines.map((line, index) => `  ${(index === 0 ? form : '').padEnd(20)}  ${line.trim()}`)
    })
    .join('\n')
}

function isSetting(name: string): name is keyof typeof echoSettings {
  return Object.hasOwn(echoSettings, name)
}

/** Checks the settings that depend on each other. */
function complaintOf({ after, reason, close, abort }: EchoSettings): string | undefined {
  if (after !== undefined && close === undefined && abort === undefined) return '"after" needs "close" or "abort"'
  if (reason !== undefined && close === undefined) return '"reason" needs "close"'
  if (close !== undefined && abort !== undefined) return '"close" and "abort" can\'t be combined'
  return undefined
}

function number(least: number, most: number): (text: string) => number | undefined {
  return (text) => {
    const value = /^\d{1,10}(\.\d{1,10})?$/.test(text) ? Number(text) : Number.NaN
    return value >= least && value <= most ? value : undefined
  }
}

function integer(least: number, most: number): (text: string) => number | undefined {
  const parse = number(least, most)
  return (text) => (text.includes('.') ? undefined : parse(text))
}

function flag(text: string): true | undefined {
  return text === '' ? true : undefined
}

function oneOf<Word extends string>(...words: readonly Word[]): (text: string) => Word | undefined {
  return (text) => words.find((word) => word === text)
}

function closeCode(text: string): number | undefined {
  const code = integer(1000, 4999)(text)
  if (code === undefined) return undefined
  const isOwn = code >= 3000
  const isOfStandard = code <= 1014 && !(code >= 1004 && code <= 1006)
  return isOwn || isOfStandard ? code : undefined
}

function closeReason(text: string): string | undefined {
  return Buffer.byteLength(text) <= 123 ? text : undefined
}

function endAfter(text: string): EndAfter | undefined {
  const seconds = text.endsWith('s') ? number(0, 86_400)(text.slice(0, -1)) : undefined
  if (seconds !== undefined) return { milliseconds: seconds * 1000 }
  const messages = integer(1, 1_000_000_000)(text)
  return messages === undefined ? undefined : { messages }
}
