import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { wsUsers } from './ws-users.js'

const root = new URL('../../../', import.meta.url)

for (const path of ['docs/how-to/ws.md', 'docs/zh/how-to/ws.md']) {
  describe(path, () => {
    const text = readFileSync(new URL(path, root), 'utf8')

    it('lists the packages that are tried, with their versions', () => {
      const listed = [...text.matchAll(/^\| (`\S+` \d.*?) \|/gm)].map(({ 1: packages }) => packages)
      const tried = wsUsers.map(({ packages }) =>
        Object.entries(packages)
          .map(({ 0: name, 1: version }) => `\`${name}\` ${version}`)
          .join(', '),
      )
      assert.deepEqual(listed, tried)
    })
  })
}
