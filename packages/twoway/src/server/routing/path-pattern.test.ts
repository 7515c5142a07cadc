import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UsageError } from '../../core/errors.js'
import { PathPattern } from './path-pattern.js'

/** The parts that a pattern finds in a path, as plain objects; undefined if it does not match. */
function match(pattern: string, path: string): Record<string, string> | undefined {
  const params = new PathPattern(pattern).match(path)
  return params && { ...params }
}

const cases: readonly [pattern: string, path: string, params: Record<string, string> | undefined][] = [
  ['/chat', '/chat', {}],
  ['/chat', '/chat/', undefined],
  ['/chat', '/Chat', undefined],
  ['/chat/', '/chat', undefined],
  ['/chat{/}?', '/chat', {}],
  ['/chat{/}?', '/chat/', {}],
  ['/chat{/}?', '/chat//', undefined],
  ['/', '/', {}],
  ['/rooms/:id', '/rooms/7', { id: '7' }],
  ['/rooms/:id', '/rooms/', undefined],
  ['/rooms/:id', '/rooms', undefined],
  ['/rooms/:id', '/rooms/7/', undefined],
  ['/rooms/:id', '/rooms/7/8', undefined],
  ['/rooms/:id{/}?', '/rooms/7/', { id: '7' }],
  ['/rooms/:id?', '/rooms', {}],
  ['/rooms/:id?', '/rooms/7', { id: '7' }],
  ['/rooms/:id?', '/rooms/', undefined],
  ['/:id?', '/', {}],
  ['/rooms/:room/users/:user', '/rooms/1/users/2', { room: '1', user: '2' }],
  ['/chat/*', '/chat/', { 0: '' }],
  ['/chat/*', '/chat/a/b', { 0: 'a/b' }],
  ['/chat/*', '/chat', undefined],
  ['/chat*', '/chat', { 0: '' }],
  ['/chat*', '/chatter/x', { 0: 'ter/x' }],
  ['/*', '/', { 0: '' }],
  ['/:a/*', '/x/y/z', { a: 'x', 0: 'y/z' }],
  ['/files/:name.:kind', '/files/a.b.c', { name: 'a', kind: 'b.c' }],
  ['/v:major-:minor', '/v1-2', { major: '1', minor: '2' }],
  ['/v:major-:minor', '/v-2', undefined],
  ['/:a-end', '/x-end-end', { a: 'x-end' }],
  ['/:a-end', '/x-end-', undefined],
  ['/a{b}c', '/abc', {}],
  ['/a{/:b}?/c', '/a/c', {}],
  ['/a{/:b}?/c', '/a/x/c', { b: 'x' }],
  ['/a\\:b', '/a:b', {}],
  ['/c\\+\\+', '/c++', {}],
  ['/a\\*', '/a*', {}],
  ['/grüß dich', '/gr%C3%BC%C3%9F%20dich', {}],
  ['/ü/:id', '/%C3%BC/%C3%A4', { id: 'ä' }],
  ['/rooms/:id', '/rooms/a%20b', { id: 'a b' }],
  ['/rooms/:id', '/rooms/a%2Fb', { id: 'a/b' }],
  ['/rooms/:id', '/rooms/a+b', { id: 'a+b' }],
  ['/rooms/:id', '/rooms/%zz', undefined],
  ['/rooms/:id', '/rooms/%ff', undefined],
  ['/rooms/:id', '/rooms/..', undefined],
  ['/rooms/:id', '/rooms/%2e%2e', undefined],
  ['/rooms/:id', '/x/../rooms/7', { id: '7' }],
  ['/:__proto__', '/x', JSON.parse('{"__proto__":"x"}')],
]

describe('a path pattern', () => {
  for (const [pattern, path, params] of cases) {
    it(`${pattern} ${params === undefined ? 'does not match' : 'matches'} ${path}`, () => {
      const found = match(pattern, path)
      assert.deepEqual(found && Object.entries(found), params && Object.entries(params))
    })
  }

  it('gives parameters without a prototype, which can not be changed', () => {
    const params = new PathPattern('/:constructor').match('/x')!
    assert.equal(Object.getPrototypeOf(params), null)
    assert.equal(params.toString, undefined)
    assert.ok(Object.isFrozen(params))
  })

  it('that can not be understood is a UsageError, which says what came and what is allowed', () => {
    const wrong: readonly [pattern: string, why: RegExp][] = [
      ['rooms', /must begin with a slash/],
      ['/rooms/(\\d+)', /a regular expression/],
      ['/rooms/:id(\\d+)', /a regular expression/],
      ['/rooms/:id+', /"\+" is a repetition/],
      ['/rooms/:id*', /"\*" is a repetition/],
      ['/c++', /written "\\\+"/],
      ['/chat?room=1', /has no query/],
      ['/chat#a', /no fragment/],
      ['/*/users', /"\*" must be its last character/],
      ['/{a/*}', /"\*" must be its last character/],
      ['/rooms/:', /":" stands before no name/],
      ['/rooms/:1', /":" stands before no name/],
      ['/:id/:id', /the name id occurs twice/],
      ['/:a:b', /without text between them/],
      ['/:a*', /"\*" is a repetition/],
      ['/{a', /not closed/],
      ['/a}', /"\}" closes no group/],
      ['/{a{b}}', /within another/],
      ['/a\\', /ends with a backslash/],
      ['/a/../b', /take "\." and "\.\." out/],
      ['/:a?/:b?/:c?/:d?/:e?', /more than 4 optional parts/],
    ]
    for (const [pattern, why] of wrong) {
      assert.throws(
        () => new PathPattern(pattern),
        (error) =>
          error instanceof UsageError &&
          error.code === 'optionInvalid' &&
          error.message.startsWith('the option path must be a path or a pattern, not "/'.slice(0, -1)) &&
          why.test(error.message) &&
          /:name\? or \{text\}\? for an optional part/.test(error.message),
        pattern,
      )
    }
  })

  it('takes a long hostile path in time that grows with its length alone', () => {
    const pattern = new PathPattern('/:a-:b-:c-:d-x/:e')
    const started = performance.now()
    for (const path of [`/${'-'.repeat(16_000)}y/z`, `/${'a-'.repeat(8000)}/z`, `/${'/'.repeat(16_000)}`]) {
      assert.equal(pattern.match(path), undefined)
    }
    assert.ok(performance.now() - started < 1000)
  })
})
