import type { Json, ServerMessage } from '../subprotocol/messages.js'

/** A message of the server. With `bin` its data follow as bytes. */
export type ReceivedMessage = ServerMessage & { readonly bin?: true; readonly data?: Json } & Sized

export interface Sized {
  /** Characters of the message, or bytes of its data. The connection sets it. */
  size: number
}

type Check = (value: unknown) => boolean

const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)

export const isText: Check = (value) => typeof value === 'string'
/** Throws for a value that is no list of objects. */
const areMembers: Check = (value) => (value as { user?: unknown }[]).every(({ user }) => isText(user))
export const isPosition: Check = (value) =>
  Array.isArray(value) && isText(value[0]) && Number.isSafeInteger(value[1]) && isText(value[2])
const maybeText = optional(isText)
const maybeNumber = optional(Number.isFinite)
const maybePosition = optional(isPosition)
/** Throws for a value that is no list of lists. */
const areItems: Check = (value) => (value as unknown[][]).every(([mark, , from]) => isText(mark) && maybeText(from))

/** The members that the link relies on. A message of another type is ignored, so it is not checked. */
const shapes: { readonly [type: string]: { readonly [member: string]: Check } } = {
  welcome: { user: maybeText, expires: maybeNumber },
  ok: { at: maybePosition, members: optional(areMembers), expires: maybeNumber },
  error: { code: isText, message: isText, retry: maybeNumber },
  part: { at: maybePosition, from: maybeText },
  msg: { topic: isText, at: isPosition, prev: isText, from: maybeText },
  run: { topic: isText, at: isPosition, items: areItems },
  vol: { topic: isText, at: maybePosition, from: maybeText },
  gap: { topic: isText, at: isPosition },
  here: { topic: isText, members: areMembers },
  join: { topic: isText, user: isText },
  leave: { topic: isText, user: isText },
}

/** Returns undefined if the text is no message of the server. */
export function readServerMessage(text: string): ReceivedMessage | undefined {
  try {
    const message = JSON.parse(text)
    const shape = shapes[message.t]
    for (const member in shape) if (!shape[member]!(message[member])) return undefined
    if (isText(message.t)) return message
  } catch {
    // It is no JSON, or a member is no list.
  }
  return undefined
}
