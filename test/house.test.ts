import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Files of its own that a folder holds at most, tests aside: a folder that grows past that is two rooms. */
const mostFiles = 15

/** Private parts of Node, by the names that only code which touches them has a use for. */
const privateParts = [
  /\.binding\(/,
  /\b_handle\b/,
  /\b_parent\b/,
  /\b_writeState\b/,
  /\bonconnection\b/,
  /\b(?:latin1|utf8|ucs2)Slice\b/,
  /\butf8Write\b/,
  /\b_addHeaderLines\b/,
  /\b_connections\b/,
]

describe('the house', () => {
  const files = tracked()

  it('has no folder that has outgrown its name', () => {
    const counts = new Map<string, number>()
    for (const file of files) {
      if (!/^packages\/.*\/src\/.*\.tsx?$/.test(file) || file.includes('.test.')) continue
      counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1)
    }
    assert.notEqual(counts.size, 0)
    assert.deepEqual(
      [...counts].filter(([, count]) => count > mostFiles),
      [],
    )
  })

  it('touches private parts of Node in runtimes/node/internals only', () => {
    const library = files.filter((file) => /^packages\/twoway\/src\/.*(?<!\.test)\.ts$/.test(file))
    const outside = library.filter((file) => !file.includes('/runtimes/node/internals/'))
    assert.notEqual(outside.length, 0)
    assert.deepEqual(
      outside.filter((file) => privateParts.some((part) => part.test(withoutComments(read(file))))),
      [],
    )
    const inside = library.filter((file) => file.includes('/runtimes/node/internals/')).map(read)
    for (const part of privateParts) {
      assert.ok(
        inside.some((text) => part.test(text)),
        `${part} is touched nowhere: take it off this list`,
      )
    }
  })

  it('has no private accessors, which V8 calls through its runtime: a method is called at once', () => {
    const sources = files.filter((file) => /^packages\/.*\/src\/.*\.ts$/.test(file))
    assert.deepEqual(
      sources.filter((file) => /^\s*(?:static )?[gs]et #/m.test(read(file))),
      [],
    )
  })

  it('says bytes, not octets', () => {
    const texts = files.filter((file) => /\.(?:tsx?|[cm]?js|md|jsonc?)$/.test(file) && file !== 'test/house.test.ts')
    const found = texts.flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, index) =>
          /octet/i.test(line.replaceAll('application/octet-stream', '')) ? [`${file}:${index + 1}`] : [],
        ),
    )
    assert.deepEqual(found, [])
  })
})

function tracked(): string[] {
  const { stdout } = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  return stdout.split('\n').filter((file) => file !== '')
}

function read(file: string): string {
  try {
    return readFileSync(join(root, file), 'utf8')
  } catch {
    // Deleted in the working tree, and not yet in the index.
    return ''
  }
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')
}
