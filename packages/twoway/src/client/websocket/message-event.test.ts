import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { creatorOf, type EventClasses, messageEvent } from './message-event.js'

const origin = 'ws://localhost:8080'
const own = messageEvent('text', origin)
const expected = new MessageEvent('message', { data: 'text', origin })

/** All names that a for-in loop or `Reflect.ownKeys` finds, in their order. */
function namesOf(event: MessageEvent): PropertyKey[] {
  const names: PropertyKey[] = Reflect.ownKeys(event).filter((key) => !isFieldOfNode(key))
  for (const name in event) names.push(name)
  return names
}

/** Node 20 keeps the members of its own events under symbols. */
function isFieldOfNode(key: PropertyKey): boolean {
  return typeof key === 'symbol' && /^k[A-Z]/.test(key.description ?? '')
}

function errorOf(run: () => unknown): unknown {
  try {
    run()
    return undefined
  } catch (error) {
    return `${error}`
  }
}

describe('the event of a message', () => {
  it('has every member of the platform’s, in the same order and with the same value', () => {
    assert.deepEqual(namesOf(own), namesOf(expected))
    for (const name of namesOf(expected)) {
      if (name === 'timeStamp') continue
      assert.deepEqual(own[name as keyof MessageEvent], expected[name as keyof MessageEvent], String(name))
    }
    assert.ok(Math.abs(own.timeStamp - expected.timeStamp) < 60_000)
    assert.equal(own.ports, own.ports)
    assert.notEqual(own.ports, messageEvent('text', origin).ports)
    assert.equal(Object.isFrozen(own.ports), Object.isFrozen(expected.ports))
  })

  it('is a MessageEvent and an Event, by instanceof, constructor, name and inspection', () => {
    assert.ok(own instanceof MessageEvent && own instanceof Event)
    assert.equal(own.constructor, MessageEvent)
    assert.equal(String(own), String(expected))
    const shown = [own, expected].map((event) => inspect(event).replace(/timeStamp: .*/, ''))
    assert.equal(shown[0], shown[1])
    assert.equal(JSON.stringify(own), JSON.stringify(expected))
    assert.equal(inspect([[[own]]]), inspect([[[expected]]]))
  })

  it('has members that can’t be assigned, and methods of the platform’s', () => {
    for (const name of ['data', 'origin', 'lastEventId', 'source', 'ports']) {
      assert.throws(() => Object.assign(own, { [name]: 1 }), TypeError, name)
    }
    const again = (event: MessageEvent): unknown => {
      const { initMessageEvent } = event as {
        initMessageEvent?: (...values: unknown[]) => { type: string } | undefined
      }
      return initMessageEvent?.call(event, 'other', false, true, 'data')?.type
    }
    assert.equal(again(messageEvent('x', origin)), again(new MessageEvent('message')))
    own.preventDefault()
    assert.deepEqual([own.defaultPrevented, own.composedPath()], [false, []])
  })

  it('is refused by structuredClone where the platform’s is', () => {
    assert.equal(
      errorOf(() => structuredClone(own)),
      errorOf(() => structuredClone(expected)),
    )
  })

  it('is not of the platform’s class where that is slow, since Node 22', () => {
    const isOwn = Object.getPrototypeOf(own) !== MessageEvent.prototype
    assert.equal(isOwn, Number.parseInt(process.versions.node, 10) >= 22)
  })

  it('is of the platform’s class if the platform has members that ours lack, or no way to refuse a clone', () => {
    const Platform = MessageEvent as unknown as new (type: string, init?: object) => { readonly data: unknown }
    class Slow extends Platform {
      static readonly tables = 'webidl'
    }
    class WithMore extends Platform {
      static readonly tables = 'webidl'
      static {
        Object.defineProperty(WithMore.prototype, 'more', { enumerable: true })
      }
      readonly #more = 1
      get more(): number {
        return this.#more
      }
    }
    class Uncloneable extends Platform {
      static readonly tables = ['webidl', 'markAsUncloneable']
    }
    for (const [Class, isOwn] of [
      [Slow, true],
      [WithMore, false],
      [Uncloneable, false],
    ] as const) {
      const given = Class as unknown as typeof MessageEvent
      const classes: EventClasses = { Event, MessageEvent: given, findMarkAsUncloneable: () => undefined }
      const event = creatorOf(classes)('data', origin)
      assert.equal(Object.getPrototypeOf(event) !== Class.prototype, isOwn, Class.name)
      assert.deepEqual([event instanceof given, event.data, event.origin], [true, 'data', origin])
    }
  })
})
