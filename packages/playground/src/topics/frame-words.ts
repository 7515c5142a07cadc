import type { Words } from '../words/english.js'

/** One frame of the subprotocol twoway.1, as the timeline of topics tells it. */
export interface FrameWords {
  readonly key: Extract<keyof Words, `frame_${string}`>
  readonly values: Readonly<Record<string, string | number>>
}

type Frame = Readonly<Record<string, unknown>> & {
  readonly t?: string
  readonly at?: readonly [string, number, string]
  readonly count?: number
  readonly items?: readonly unknown[]
}

/** The words for a text message of the link (sent) or of the hub (received). */
export function frameWords(direction: 'sent' | 'received', text: string): FrameWords {
  const frame = JSON.parse(text) as Frame
  const { topic = '', id = '', at, user = '', key = '', method = '' } = frame as Record<string, never>
  const count = frame.items?.length ?? frame.count ?? 0
  const place = placeOf(at)
  const values = { topic, id, place, user, key, count, method, ...textsOf(frame) }
  const name = `${frame.t}${variantOf(direction, frame)}`
  return {
    key: known.has(name) ? (`frame_${name}` as FrameWords['key']) : 'frame_other',
    values: { ...values, type: String(frame.t) },
  }
}

/** An offset and the beginning of a mark, which are enough to tell positions apart. */
export function placeOf(at: readonly [epoch: string, offset: number, mark: string] | undefined): string {
  return at === undefined ? '' : at[1] === 0 ? '0' : `${at[1]} (${at[2].slice(0, 4)})`
}

function textsOf({ data, members, message, reason }: Frame): Readonly<Record<string, string>> {
  const names = Array.isArray(members) ? members.map((member: { user: string }) => member.user).join(', ') : ''
  return {
    data: data === undefined ? '' : JSON.stringify(data).slice(0, 140),
    members: names,
    message: String(message ?? ''),
    reason: String(reason ?? ''),
  }
}

/** The details that tell two frames of one type apart. */
function variantOf(direction: 'sent' | 'received', frame: Frame): string {
  switch (frame.t) {
    case 'sub':
      return frame.at === undefined ? '' : '_at'
    case 'vol':
      return direction === 'sent' ? '' : '_received'
    case 'ok':
      if (frame.recovered === true) return '_recovered'
      if (frame.recovered === false) return '_lost'
      return frame.at === undefined ? '' : frame.count === undefined ? '_stored' : '_started'
    default:
      return ''
  }
}

const known = new Set([
  'hello',
  'welcome',
  'sub',
  'sub_at',
  'unsub',
  'pub',
  'vol',
  'vol_received',
  'ok',
  'ok_started',
  'ok_recovered',
  'ok_lost',
  'ok_stored',
  'msg',
  'run',
  'gap',
  'here',
  'join',
  'leave',
  'error',
  'ping',
  'pong',
])
