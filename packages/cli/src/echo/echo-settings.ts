/** One thing that a URL's query can ask of the echo service. */
interface EchoSetting {
  /** How it is written, such as `delay=MS`. */
  readonly form: string
  /** What its value may be, as the end of "must be ...". */
  readonly takes: string
  readonly does: string
  /** What a value means, or undefined where it is none of those. */
  parse(text: string): unknown
}

/** When a connection is to end: after so many messages, or so long after it began. */
export type EndAfter = { readonly messages: number } | { readonly milliseconds: number }

/** What a URL's query can ask of the echo service: a row a setting. What lists or checks them goes by this table. */
export const echoSettings = {
  delay: {
    form: 'delay=MS',
    takes: 'milliseconds from 0 to 60000',
    does: 'sends each echo so much later',
    parse: number(0, 60_000),
  },
  jitter: {
    form: 'jitter=MS',
    takes: 'milliseconds from 0 to 60000',
    does: 'adds up to so much to the delay of each echo, by chance; their order stays',
    parse: number(0, 60_000),
  },
  drop: {
    form: 'drop=P',
    takes: 'a probability from 0 to 1',
    does: 'does not echo a message with this probability',
    parse: number(0, 1),
  },
  close: {
    form: 'close=CODE',
    takes: 'a code that a Close may carry: 1000 to 1003, 1007 to 1014, or 3000 to 4999',
    does: 'closes with this code, at once or when "after" says',
    parse: closeCode,
  },
  reason: {
    form: 'reason=TEXT',
    takes: 'a text of at most 123 octets of UTF-8, with "close"',
    does: 'closes with this reason',
    parse: closeReason,
  },
  abort: {
    form: 'abort',
    takes: 'without a value',
    does: 'resets the TCP connection without a Close, at once or when "after" says',
    parse: flag,
  },
  after: {
    form: 'after=N or after=Ns',
    takes: 'messages from 1 on, or seconds such as 5s, with "close" or "abort"',
    does: 'waits with "close" or "abort" for so many messages, or seconds',
    parse: endAfter,
  },
  fragment: {
    form: 'fragment=N',
    takes: 'bytes from 1 to 65536',
    does: 'sends each echo in frames of so many bytes',
    parse: integer(1, 65_536),
  },
  deflate: {
    form: 'deflate',
    takes: 'without a value',
    does: 'takes permessage-deflate where the client offers it; every echo is compressed then',
    parse: flag,
  },
  slow: {
    form: 'slow=N',
    takes: 'bytes per second from 1 on',
    does: 'reads your messages at so many bytes per second',
    parse: integer(1, 2 ** 30),
  },
  size: {
    form: 'size=N',
    takes: 'bytes from 1 to 1048576',
    does: 'sends text messages of so many bytes by itself, one a second unless "rate" says',
    parse: integer(1, 1 << 20),
  },
  rate: {
    form: 'rate=N',
    takes: 'messages per second above 0, at most 10000',
    does: 'sends so many messages a second by itself, of 16 bytes unless "size" says, up to 64 MiB a second; what the peer does not take in time is left out',
    parse: number(0.001, 10_000),
  },
  ping: {
    form: 'ping=MS',
    takes: 'milliseconds from 10 to 3600000',
    does: 'sends a Ping each so many milliseconds',
    parse: integer(10, 3_600_000),
  },
  mirror: {
    form: 'mirror=request',
    takes: '"request"',
    does: 'first sends the handshake as it came, as JSON; values of fields that may hold a secret are masked',
    parse: oneOf('request'),
  },
  subprotocol: {
    form: 'subprotocol=NAME',
    takes: 'one of the subprotocols that the client offers, or empty for none',
    does: 'chooses this one of the subprotocols that you offer, in place of the first',
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

/** What a query asks; `complaint` says in a sentence what is wrong where it can't be done. */
export type AskedSettings =
  | { readonly settings: EchoSettings; readonly complaint?: undefined }
  | { readonly settings?: undefined; readonly complaint: string }

/** Reads a URL's query. */
export function readEchoSettings(query: URLSearchParams): AskedSettings {
  const settings: Record<string, unknown> = {}
  for (const [name, text] of query) {
    if (!isSetting(name)) return { complaint: `there is no setting "${name}"` }
    if (Object.hasOwn(settings, name)) return { complaint: `"${name}" is there twice` }
    const value = echoSettings[name].parse(text)
    if (value === undefined) return { complaint: `"${name}" must be ${echoSettings[name].takes}, not "${text}"` }
    settings[name] = value
  }
  const complaint = complaintOf(settings)
  return complaint === undefined ? { settings } : { complaint }
}

/** All settings, for people: their forms, and beside them what they do, in 80 columns. */
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

/** What of the settings does not go together. */
function complaintOf({ after, reason, close, abort }: EchoSettings): string | undefined {
  if (after !== undefined && close === undefined && abort === undefined) return '"after" needs "close" or "abort"'
  if (reason !== undefined && close === undefined) return '"reason" needs "close"'
  if (close !== undefined && abort !== undefined) return '"close" and "abort" exclude each other'
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
