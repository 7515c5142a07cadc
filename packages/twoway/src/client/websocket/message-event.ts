import { Event, findMarkAsUncloneable, MessageEvent } from '../platform.js'

/** The classes of the platform from which the event is made. */
export interface EventClasses {
  readonly Event: typeof globalThis.Event
  readonly MessageEvent: typeof globalThis.MessageEvent
  findMarkAsUncloneable(): ((value: object) => void) | undefined
}

export type MessageData = string | Blob | ArrayBuffer

type CreateMessageEvent = (data: MessageData, origin: string) => MessageEvent

let create: CreateMessageEvent | undefined

/** The event of a message, §4 "a WebSocket message has been received", step 3. */
export function messageEvent(data: MessageData, origin: string): MessageEvent {
  create ??= creatorOf({ Event, MessageEvent, findMarkAsUncloneable })
  return create(data, origin)
}

/** Creates events by the class of ours where the platform's is slow and ours passes a trial, else by the platform's. */
export function creatorOf(classes: EventClasses): CreateMessageEvent {
  const { MessageEvent } = classes
  const createOfPlatform: CreateMessageEvent = (data, origin) => new MessageEvent('message', { data, origin })
  const createOwn = ownCreator(classes)
  return createOwn !== undefined && isAlike(createOwn, createOfPlatform) ? createOwn : createOfPlatform
}

/**
 * Since Node 22, the constructor of the platform's class converts each member by tables of WebIDL, which takes longer than all
 * other work on a short message (benchmark row `client-receives-1k`). An event of a class below it is like one of the
 * platform's, but skips that constructor.
 */
function ownCreator({ Event, MessageEvent, findMarkAsUncloneable }: EventClasses): CreateMessageEvent | undefined {
  const code = Function.prototype.toString.call(MessageEvent)
  if (!/\bwebidl\b/.test(code)) return undefined
  const mark = /\bmarkAsUncloneable\b/.test(code) ? findMarkAsUncloneable() : (): void => {}
  if (mark === undefined) return undefined

  class OwnMessageEvent extends Event {
    readonly #data: MessageData
    readonly #origin: string
    #ports: readonly MessagePort[] | undefined

    constructor(data: MessageData, origin: string) {
      super('message')
      this.#data = data
      this.#origin = origin
      mark!(this)
    }

    get data(): MessageData {
      return this.#data
    }

    get origin(): string {
      return this.#origin
    }

    get lastEventId(): string {
      return ''
    }

    get source(): null {
      return null
    }

    get ports(): readonly MessagePort[] {
      this.#ports ??= Object.freeze([])
      return this.#ports
    }
  }

  const { prototype } = OwnMessageEvent
  for (const name of Object.getOwnPropertyNames(prototype)) Object.defineProperty(prototype, name, { enumerable: true })
  // All other members are the platform's, as are the name of the class and `constructor`.
  Reflect.deleteProperty(prototype, 'constructor')
  Object.setPrototypeOf(prototype, MessageEvent.prototype)
  return (data, origin) => new OwnMessageEvent(data, origin) as unknown as MessageEvent
}

/** Whether events of both kinds have the same members in the same order. A member that only the platform's has may throw. */
function isAlike(createOwn: CreateMessageEvent, createOfPlatform: CreateMessageEvent): boolean {
  try {
    const [own, expected] = [createOwn, createOfPlatform].map((create) => membersOf(create('data', 'ws://origin')))
    return own!.length === expected!.length && own!.every((member, at) => Object.is(member, expected![at]))
  } catch {
    return false
  }
}

/** The names and values of all members; of `timeStamp` and `ports`, which differ from event to event, the type and the text. */
function membersOf(event: MessageEvent): unknown[] {
  const members: unknown[] = [event.constructor, String(event)]
  for (const name in event) {
    const value: unknown = event[name as keyof MessageEvent]
    members.push(name, name === 'timeStamp' ? typeof value : name === 'ports' ? `${value}` : value)
  }
  return members
}
