import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UsageError } from '../errors.js'
import {
  callable,
  count,
  countOrInfinity,
  either,
  flag,
  integer,
  listOf,
  matching,
  object,
  oneOf,
  secret,
  text,
} from './check.js'
import { defaultsOf, option } from './option.js'
import { settleOptions } from './settle-options.js'

const table = {
  maxMessageBytes: option(integer(1, 100, 'bytes'), 10),
  idleTimeoutMs: option(countOrInfinity('milliseconds'), 45),
  maxConnections: option(count('connections'), 5),
  level: option(integer(0, 9)),
  sequential: option(flag(), false),
  whenBufferFull: option(oneOf('close', 'drop'), 'close'),
  origin: option<'any' | readonly string[]>(either(oneOf('any'), listOf(text(), 'origins')), []),
  message: option(callable<() => void>()),
  tls: option(secret(object<object>())),
  path: option(matching<string>('a path', (value) => typeof value === 'string' && value.startsWith('/'))),
}

const settle = (options: object) => settleOptions(options, table, { name: 'serve()' })

function refusal(options: object): string {
  try {
    settle(options)
  } catch (error) {
    assert.ok(error instanceof UsageError && error.code === 'optionInvalid')
    return error.message
  }
  throw new Error('the options were taken')
}

describe('the options of a table', () => {
  it('have their defaults where they are left out or undefined', () => {
    const defaults = { ...defaultsOf(table) }
    assert.deepEqual(settle({}), defaults)
    assert.deepEqual(settle({ maxMessageBytes: undefined, level: undefined }), defaults)
    assert.deepEqual([defaults.maxMessageBytes, defaults.level, defaults.origin], [10, undefined, []])
  })

  it('are taken where their checks take them, at both bounds', () => {
    const taken: readonly object[] = [
      ...[{ maxMessageBytes: 1 }, { maxMessageBytes: 100 }, { idleTimeoutMs: Number.POSITIVE_INFINITY }, { level: 0 }],
      ...[{ sequential: true }, { whenBufferFull: 'drop' }, { origin: 'any' }, { origin: ['a', 'b'] }, { origin: [] }],
      ...[{ message() {} }, { tls: {} }, { path: '/' }],
    ]
    for (const options of taken) {
      const [[name, value]] = Object.entries(options) as [[keyof typeof table, unknown]]
      assert.equal(settle(options)[name], value)
    }
  })

  const refused: readonly (readonly [options: object, error: string])[] = [
    [
      { maxMessageBytes: 101 },
      'the option maxMessageBytes must be a whole number of bytes from 1 to 100, not 101: correct it, or leave it out for the default, 10',
    ],
    [
      { maxMessageBytes: '5' },
      'the option maxMessageBytes must be a whole number of bytes from 1 to 100, not "5": correct it, or leave it out for the default, 10',
    ],
    [
      { idleTimeoutMs: 0 },
      'the option idleTimeoutMs must be a whole number of milliseconds above 0, or Infinity, not 0: correct it, or leave it out for the default, 45',
    ],
    [
      { maxConnections: Number.POSITIVE_INFINITY },
      'the option maxConnections must be a whole number of connections above 0, not Infinity: correct it, or leave it out for the default, 5',
    ],
    [{ level: 1.5 }, 'the option level must be an integer from 0 to 9, not 1.5: correct it, or leave it out'],
    [
      { sequential: null },
      'the option sequential must be true or false, not null: correct it, or leave it out for the default, false',
    ],
    [
      { whenBufferFull: 'wait' },
      'the option whenBufferFull must be \'close\' or \'drop\', not "wait": correct it, or leave it out for the default, "close"',
    ],
    [
      { origin: ['a', 5] },
      "the option origin must be 'any', or a list of origins, not a list with 5: correct it, or leave it out",
    ],
    [{ message: {} }, 'the option message must be a function, not an object: correct it, or leave it out'],
    [{ path() {} }, 'the option path must be a path, not a function: correct it, or leave it out'],
  ]
  for (const [options, error] of refused) {
    it(`are refused by an error that says what came, what is expected and what to do: ${Object.keys(options)}`, () => {
      assert.equal(refusal(options), error)
    })
  }

  it('are not repeated where they may hold a secret', () => {
    assert.equal(refusal({ tls: 'password' }), 'the option tls must be an object: correct it, or leave it out')
  })

  it('are refused where the table has no such name, and the closest name is told', () => {
    const closest: readonly (readonly [unknown: string, known: string])[] = [
      ['maxMesageBytes', 'maxMessageBytes'],
      ['maxMessage', 'maxMessageBytes'],
      ['idleTimeout', 'idleTimeoutMs'],
      ['maxconnections', 'maxConnections'],
      ['onmessage', 'message'],
      ['origins', 'origin'],
    ]
    for (const [unknown, known] of closest) {
      assert.equal(refusal({ [unknown]: 1 }), `there is no option "${unknown}" of serve(): did you mean ${known}?`)
    }
  })

  it('are all named where none is close to the unknown one', () => {
    for (const name of ['verifyClient', 'x', 'toString', 'x'.repeat(100_000)]) {
      const message = refusal({ [name]: 1 })
      assert.match(message, /of serve\(\): the options are maxMessageBytes, idleTimeoutMs, .*, path$/)
      assert.ok(message.length < 500)
    }
  })

  it('are an object', () => {
    assert.equal(refusal(null as never), 'the options of serve() must be an object, not null')
    assert.equal(refusal('a' as never), 'the options of serve() must be an object, not "a"')
  })

  it('carry a prefix and a hint of their owner in errors', () => {
    const owner = { name: 'perMessageDeflate', prefix: 'perMessageDeflate.', hint: 'Read the documentation' }
    assert.throws(
      () => settleOptions({ level: 10 }, table, owner),
      /^UsageError: the option perMessageDeflate\.level must/,
    )
    assert.throws(() => settleOptions({ levle: 10 }, table, owner), /did you mean level\? Read the documentation$/)
    assert.throws(() => settleOptions({ colour: 10 }, table, owner), /, path\. Read the documentation$/)
  })
})
