export type SettingGroup = 'time' | 'frames' | 'end' | 'handshake' | 'traffic'

export interface EchoSetting {
  /** The query parameter. */
  readonly name: string
  readonly group: SettingGroup
  /** Its value when it is switched on; '' if it takes none. */
  readonly initial: string
  /** The input for its value; 'none' if it takes none. */
  readonly input: 'none' | 'number' | 'text'
  /** It needs one of these settings. */
  readonly needs?: readonly string[]
  /** It can't be combined with this setting. */
  readonly excludes?: string
}

/** The settings of the echo service, with the names of `twoway echo --help`. */
export const echoSettings: readonly EchoSetting[] = [
  { name: 'delay', group: 'time', initial: '500', input: 'number' },
  { name: 'jitter', group: 'time', initial: '300', input: 'number' },
  { name: 'slow', group: 'time', initial: '1000000', input: 'number' },
  { name: 'drop', group: 'frames', initial: '0.5', input: 'number' },
  { name: 'fragment', group: 'frames', initial: '1000', input: 'number' },
  { name: 'deflate', group: 'frames', initial: '', input: 'none' },
  { name: 'close', group: 'end', initial: '1012', input: 'number', excludes: 'abort' },
  { name: 'abort', group: 'end', initial: '', input: 'none', excludes: 'close' },
  { name: 'after', group: 'end', initial: '3', input: 'text', needs: ['close', 'abort'] },
  { name: 'reason', group: 'end', initial: 'restarting', input: 'text', needs: ['close'] },
  { name: 'status', group: 'handshake', initial: '429', input: 'number' },
  { name: 'subprotocol', group: 'handshake', initial: 'chat', input: 'text' },
  { name: 'mirror', group: 'handshake', initial: 'request', input: 'none' },
  { name: 'ping', group: 'traffic', initial: '1000', input: 'number' },
  { name: 'size', group: 'traffic', initial: '1000', input: 'number' },
  { name: 'rate', group: 'traffic', initial: '2', input: 'number' },
]

/** The value of a setting in a URL; undefined if it is not set, or if the text is not a URL. */
export function settingIn(url: string, name: string): string | undefined {
  return URL.canParse(url) ? (new URL(url).searchParams.get(name) ?? undefined) : undefined
}

/** The URL with a setting changed, or removed for undefined. The rest of the query is unchanged. */
export function withSetting(url: string, name: string, value: string | undefined): string {
  if (!URL.canParse(url)) return url
  const changed = new URL(url)
  const pairs = [...changed.searchParams].filter(([key]) => key !== name)
  const at = [...changed.searchParams.keys()].indexOf(name)
  if (value !== undefined) pairs.splice(at === -1 ? pairs.length : at, 0, [name, value])
  changed.search = pairs.map(([key, text]) => encode(key) + (text === '' ? '' : `=${encode(text)}`)).join('&')
  return changed.href
}

/** The URL with a setting switched on, with the settings that it needs; or off, without those that need it. */
export function switchSetting(url: string, { name, initial, needs, excludes }: EchoSetting): string {
  const isIn = (other: string): boolean => settingIn(url, other) !== undefined
  if (isIn(name)) return withoutIdle(withSetting(url, name, undefined))
  const [needed] = needs?.some(isIn) ? [] : (needs ?? [])
  const base = needed ? switchSetting(url, settingNamed(needed)) : url
  return withoutIdle(withSetting(excludes ? withSetting(base, excludes, undefined) : base, name, initial))
}

/** The URL without settings whose required setting is missing. */
function withoutIdle(url: string): string {
  return echoSettings
    .filter(({ needs }) => needs?.every((name) => settingIn(url, name) === undefined))
    .reduce((rest, { name }) => withSetting(rest, name, undefined), url)
}

function settingNamed(wanted: string): EchoSetting {
  return echoSettings.find(({ name }) => name === wanted)!
}

/** The URL without settings. */
export function withoutSettings(url: string): string {
  return echoSettings.reduce((rest, { name }) => withSetting(rest, name, undefined), url)
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll('%20', '+')
}
