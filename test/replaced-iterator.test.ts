import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { generate } from 'selfsigned'
import { type ServeOptions, serve } from 'twoway/server'

test('a client is not affected by a program that replaces Array.prototype[Symbol.iterator]', async (context) => {
  const options: ServeOptions<undefined> = {
    port: 0,
    perMessageDeflate: true,
    upgrade: ({ url, protocols }) => {
      const { pathname: path } = new URL(url)
      if (path === '/refused') return { status: 403, body: 'no' }
      if (path === '/redirect') return { status: 302, headers: { Location: '/' } }
      return protocols[0] === undefined ? {} : { protocol: protocols[0] }
    },
    message: (socket, message) => void socket.send(message),
  }
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' })
  const server = await serve(options)
  const secure = await serve({ ...options, tls: { cert, key } })
  context.after(() => Promise.all([server.close(), secure.close()]))
  const program = fileURLToPath(new URL('./replaced-iterator.js', import.meta.url))
  const args = [program, String(server.port), String(secure.port), import.meta.resolve('twoway')]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 })
  const { before, after, calls } = JSON.parse(stdout)
  assert.deepEqual(calls, [])
  assert.deepEqual(after, before)
  assert.match(before[0], /permessage-deflate.* 5 5000 100000 4 1000 bye$/)
  assert.match(before[2], /^b /)
  assert.match(before[6], /403/)
  assert.equal(before.at(-1), 'b hello bye')
})
