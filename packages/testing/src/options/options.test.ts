import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { version } from '../../../twoway/dist/core/version.js'
import { optionGroups, optionInterfaces } from './option-groups.js'
import { literalOf, readAllOptions, readPage, renderPage } from './options-page.js'

const documentation = readAllOptions()

/** The value of a literal in a `@default`. */
function parseLiteral(literal: string | undefined): unknown {
  if (literal === undefined) return undefined
  if (literal.startsWith('[')) return JSON.parse(literal.replaceAll("'", '"'))
  if (literal.startsWith("'")) return literal.slice(1, -1).replace('VERSION', version)
  return literal === 'true' || literal === 'false' ? literal === 'true' : Number(literal.replaceAll('_', ''))
}

/** The number of bytes that `(1 MiB)` and the like say; undefined without such a note. */
function bytesOf(text: string): number | undefined {
  const [, amount, unit] = /\((\d+) ([KM])iB/.exec(text) ?? []
  return amount === undefined ? undefined : Number(amount) * (unit === 'K' ? 1024 : 1024 ** 2)
}

describe('the options of the public types', () => {
  for (const [name, { table }] of Object.entries(optionInterfaces)) {
    it(`of ${name} are those of the table that checks them`, () => {
      assert.deepEqual([...documentation.get(name)!.keys()].toSorted(), Object.keys(table).toSorted())
    })
  }

  it('each have a row in docs/reference/options.md', () => {
    for (const [name, { table }] of Object.entries(optionInterfaces)) {
      const owner = (from: string) =>
        /^(?:Serve|Attach|Upgrader)Options$/.test(name)
          ? ['ServeOptions', 'AttachOptions'].includes(from)
          : from === name
      const documented = new Set(
        optionGroups.filter(({ from }) => owner(from)).flatMap(({ options }) => Object.keys(options)),
      )
      for (const option of Object.keys(table)) {
        assert.ok(documented.has(option), `${name}.${option}`)
        assert.ok(readPage().includes(`| \`${option}\` |`), `${name}.${option}`)
      }
    }
  })

  for (const { title, from, options } of optionGroups) {
    it(`say what each does, its default and what happens at its limit: ${title}`, () => {
      for (const [name, { check, default: byDefault }] of Object.entries(options)) {
        const { description, default: text, limit } = documentation.get(from)!.get(name)!
        assert.match(description, /\w/, name)
        assert.deepEqual(
          parseLiteral(text === undefined ? undefined : literalOf(text)),
          byDefault,
          `${name}: @default ${text}`,
        )
        if (text !== undefined) assert.equal(bytesOf(text) ?? byDefault, byDefault, `${name}: @default ${text}`)
        const isLimit = check.unit !== undefined && byDefault !== undefined
        if (isLimit) assert.ok(limit, `${name} has no @limit`)
      }
    })
  }
})

describe('docs/reference/options.md', () => {
  it('is what the tables and comments make of it: npm run docs:options writes it', () => {
    assert.equal(readPage(), renderPage(documentation))
  })
})
