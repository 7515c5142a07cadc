import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

describe('docs/how-to/frameworks.md', () => {
  const shown = new Map(
    [
      ...read('docs/how-to/frameworks.md').matchAll(/^\[(examples\/\S+)\]\(\.\.\/\.\.\/\1\):\n\n```ts\n(.*?)^```$/gms),
    ].map(([, path, code]) => [path!, code!]),
  )

  it('shows the examples as they are', () => {
    for (const [path, code] of shown) assert.equal(code, read(path), path)
  })

  it('shows all examples of frameworks', () => {
    const files = readdirSync(new URL('examples/frameworks/', root)).map((file) => `examples/frameworks/${file}`)
    const others = ['express', 'fastify', 'hono', 'vite'].map((name) => `examples/${name}.ts`)
    assert.deepEqual([...shown.keys()].toSorted(), [...others, ...files].toSorted())
  })
})
