import { holds, same, throwsTypeError } from './expect.js'
import { next, type Rule, type Trial } from './rule.js'

const section = '3.1 Interface definition'

const constants = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 }
const readonlyAttributes = ['url', 'readyState', 'bufferedAmount', 'extensions', 'protocol']
const attributes = ['onopen', 'onerror', 'onclose', 'onmessage', 'binaryType']
const operations = ['close', 'send']

function descriptorOf(owner: object, name: string | symbol): PropertyDescriptor {
  const descriptor = Object.getOwnPropertyDescriptor(owner, name)
  if (descriptor === undefined) throw new Error(`there is no own property ${String(name)}`)
  return descriptor
}

function flagsOf({ writable, enumerable, configurable }: PropertyDescriptor): unknown[] {
  return [writable, enumerable, configurable]
}

/** The class as a plain function: its type does not allow a call without new. */
function asFunction(trial: Trial): (url: string) => unknown {
  return trial.WebSocket as unknown as (url: string) => unknown
}

export const interfaceRules: readonly Rule[] = [
  {
    id: 'interface-name',
    section,
    step: 'WebIDL 3.7.1',
    rule: 'the class is called WebSocket and takes at least one argument',
    run({ WebSocket }) {
      same([WebSocket.name, WebSocket.length], ['WebSocket', 1])
      same(flagsOf(descriptorOf(WebSocket, 'name')), [false, false, true])
      same(flagsOf(descriptorOf(WebSocket, 'length')), [false, false, true])
    },
  },
  {
    id: 'interface-new',
    section,
    step: 'WebIDL 3.7.1',
    rule: 'the class can only be called with new',
    run(trial) {
      throwsTypeError(() => asFunction(trial)(trial.url))
    },
  },
  {
    id: 'interface-prototype',
    section,
    step: 'WebIDL 3.7.1',
    rule: 'the property prototype of the class can be neither written nor enumerated nor configured',
    run({ WebSocket }) {
      same(flagsOf(descriptorOf(WebSocket, 'prototype')), [false, false, false])
      same(WebSocket.prototype.constructor, WebSocket)
      same(flagsOf(descriptorOf(WebSocket.prototype, 'constructor')), [true, false, true])
    },
  },
  {
    id: 'interface-inherits',
    section,
    step: 'WebIDL 3.7.3',
    rule: 'the class inherits from EventTarget, and so does its prototype',
    run({ WebSocket }) {
      same(Object.getPrototypeOf(WebSocket), EventTarget)
      same(Object.getPrototypeOf(WebSocket.prototype), EventTarget.prototype)
    },
  },
  {
    id: 'interface-tag',
    section,
    step: 'WebIDL 3.7.3',
    rule: 'an object converts to the string [object WebSocket]',
    run(trial) {
      const descriptor = descriptorOf(trial.WebSocket.prototype, Symbol.toStringTag)
      same([descriptor.value, ...flagsOf(descriptor)], ['WebSocket', false, false, true])
      same(String(trial.connect()), '[object WebSocket]')
    },
  },
  {
    id: 'interface-members',
    section,
    step: '',
    rule: 'the prototype has the members of the interface and no other',
    run({ WebSocket }) {
      const expected = [...Object.keys(constants), ...readonlyAttributes, ...attributes, ...operations, 'constructor']
      same(Object.getOwnPropertyNames(WebSocket.prototype).sort(), expected.sort())
    },
  },
  {
    id: 'interface-own',
    section,
    step: 'WebIDL 3.8',
    rule: 'an object has no properties of its own',
    run(trial) {
      same(
        Reflect.ownKeys(trial.connect()).filter((key) => typeof key === 'string'),
        [],
      )
    },
  },
  {
    id: 'interface-enumerable',
    section,
    step: 'WebIDL 3.7.6',
    rule: 'a for-in loop over an object sees every member',
    run(trial) {
      const seen = new Set<string>()
      for (const name in trial.connect()) seen.add(name)
      for (const name of [...Object.keys(constants), ...readonlyAttributes, ...attributes, ...operations]) {
        holds(seen.has(name), `${name} is seen`)
      }
    },
  },
  ...['class', 'prototype'].map(
    (owner): Rule => ({
      id: `constants-${owner}`,
      section,
      step: 'WebIDL 3.7.5',
      rule: `the ${owner} has CONNECTING 0, OPEN 1, CLOSING 2 and CLOSED 3, and they can't be changed`,
      run({ WebSocket }) {
        for (const [name, value] of Object.entries(constants)) {
          const descriptor = descriptorOf(owner === 'class' ? WebSocket : WebSocket.prototype, name)
          same([descriptor.value, ...flagsOf(descriptor)], [value, false, true, false], name)
        }
      },
    }),
  ),
  {
    id: 'attributes-readonly',
    section,
    step: 'WebIDL 3.7.6',
    rule: 'url, readyState, bufferedAmount, extensions and protocol are accessors of the prototype without a setter',
    run({ WebSocket }) {
      for (const name of readonlyAttributes) {
        const { get, set, enumerable, configurable } = descriptorOf(WebSocket.prototype, name)
        same([get?.name, get?.length, set, enumerable, configurable], [`get ${name}`, 0, undefined, true, true], name)
      }
    },
  },
  {
    id: 'attributes-writable',
    section,
    step: 'WebIDL 3.7.6',
    rule: 'the event handlers and binaryType are accessors of the prototype with a setter',
    run({ WebSocket }) {
      for (const name of attributes) {
        const { get, set, enumerable, configurable } = descriptorOf(WebSocket.prototype, name)
        same([get?.name, set?.name, set?.length], [`get ${name}`, `set ${name}`, 1], name)
        same([enumerable, configurable], [true, true], name)
      }
    },
  },
  {
    id: 'attributes-assign',
    section,
    step: 'WebIDL 3.7.6',
    rule: 'an attribute without a setter refuses an assignment and keeps its value',
    run(trial) {
      const socket = trial.connect() as { readyState: number }
      throwsTypeError(() => {
        socket.readyState = 3
      })
      same(socket.readyState, 0)
    },
  },
  {
    id: 'operations',
    section,
    step: 'WebIDL 3.7.7',
    rule: 'send and close are writable, enumerable and configurable; send takes at least one argument, and close none',
    run({ WebSocket }) {
      for (const [name, length] of [
        ['send', 1],
        ['close', 0],
      ] as const) {
        const descriptor = descriptorOf(WebSocket.prototype, name)
        same(flagsOf(descriptor), [true, true, true], name)
        same([descriptor.value.name, descriptor.value.length], [name, length], name)
      }
    },
  },
  {
    id: 'brand-get',
    section,
    step: 'WebIDL 3.7.6',
    rule: 'a getter called on something else throws a TypeError',
    run({ WebSocket }) {
      for (const name of [...readonlyAttributes, ...attributes]) {
        const { get } = descriptorOf(WebSocket.prototype, name)
        for (const other of [WebSocket.prototype, Object.create(WebSocket.prototype), {}, new EventTarget()]) {
          throwsTypeError(() => get!.call(other))
        }
      }
    },
  },
  {
    id: 'brand-set',
    section,
    step: 'WebIDL 3.7.6',
    rule: 'a setter called on something else throws a TypeError, whatever the value',
    run({ WebSocket }) {
      for (const name of attributes) {
        const { set } = descriptorOf(WebSocket.prototype, name)
        for (const value of [null, 'blob', 'neither', () => {}]) throwsTypeError(() => set!.call({}, value))
      }
    },
  },
  {
    id: 'brand-operation',
    section,
    step: 'WebIDL 3.7.7',
    rule: 'an operation called on something else throws a TypeError before it converts its arguments',
    run({ WebSocket: { prototype } }) {
      let isAsked = false
      const argument = {
        toString() {
          isAsked = true
          return ''
        },
      }
      for (const operation of [prototype.send, prototype.close] as readonly ((argument: unknown) => void)[]) {
        throwsTypeError(() => operation.call({}, argument))
      }
      same(isAsked, false)
    },
  },
  {
    id: 'interface-subclass',
    section,
    step: 'WebIDL 3.7.1',
    rule: 'a class can extend it',
    async run(trial) {
      class Chat extends (trial.WebSocket as unknown as new (url: string) => EventTarget & { close(): void }) {
        greeting = 'hello'
      }
      const chat = new Chat(`${trial.url}/echo`)
      holds(chat instanceof trial.WebSocket, 'it is a WebSocket')
      same(chat.greeting, 'hello')
      same(Object.getPrototypeOf(chat), Chat.prototype)
      await new Promise((resolve) => chat.addEventListener('open', resolve))
      chat.close()
    },
  },
]

const closeEvent = '6 The CloseEvent interface'

async function closeEventOf(trial: Trial): Promise<CloseEvent & { constructor: typeof CloseEvent }> {
  return (await next(trial.connect('/send?code=4001&reason=bye'), 'close')) as never
}

/** As in the standard: the types of a program may not have it. */
interface CloseEvent extends Event {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean
}
declare const CloseEvent: new (type: string, init?: object | null) => CloseEvent

export const closeEventRules: readonly Rule[] = [
  {
    id: 'close-event-shape',
    section: closeEvent,
    step: '',
    rule: 'a close event is an Event of the class CloseEvent, and converts to [object CloseEvent]',
    async run(trial) {
      const event = await closeEventOf(trial)
      holds(event instanceof Event, 'it is an Event')
      same([event.constructor.name, event.constructor.length, String(event)], ['CloseEvent', 1, '[object CloseEvent]'])
      same(Object.getPrototypeOf(event.constructor), Event)
    },
  },
  {
    id: 'close-event-attributes',
    section: closeEvent,
    step: '',
    rule: 'code, reason and wasClean are accessors of the prototype without a setter',
    async run(trial) {
      const event = await closeEventOf(trial)
      for (const name of ['code', 'reason', 'wasClean']) {
        same(Object.hasOwn(event, name), false, name)
        const { get, set, enumerable, configurable } = descriptorOf(event.constructor.prototype, name)
        same([typeof get, set, enumerable, configurable], ['function', undefined, true, true], name)
        throwsTypeError(() => get!.call({}))
      }
    },
  },
  {
    id: 'close-event-constructor',
    section: closeEvent,
    step: '',
    rule: 'a CloseEvent can be constructed, with 0, the empty string and false as defaults',
    async run(trial) {
      const { constructor: Class } = await closeEventOf(trial)
      throwsTypeError(() => new (Class as unknown as new () => unknown)())
      for (const event of [new Class('x'), new Class('x', {}), new Class('x', null), new Class('x', undefined)]) {
        same([event.type, event.code, event.reason, event.wasClean], ['x', 0, '', false])
        same([event.bubbles, event.cancelable], [false, false])
      }
    },
  },
  {
    id: 'close-event-init',
    section: closeEvent,
    step: '',
    rule: 'the fields given to a CloseEvent are converted: code modulo 65536, reason to a USVString',
    async run(trial) {
      const { constructor: Class } = await closeEventOf(trial)
      const event = new Class('x', { code: 65536 + 1000, reason: 'a\ud800', wasClean: 1, cancelable: true })
      same([event.code, event.reason, event.wasClean, event.cancelable], [1000, 'a\ufffd', true, true])
      throwsTypeError(() => new Class('x', { reason: Symbol('no') }))
    },
  },
]
