/** `mock-echo.mjs node:test|sinon ['before the import']`: an echo with mocked timers. */
import assert from 'node:assert/strict'
import { mock } from 'node:test'
import sinon from 'sinon'
import { echo, expected } from './echo.mjs'

const [, , framework, before] = process.argv
const end = setTimeout(() => process.exit(1), 20_000)

function install() {
  // Not nextTick: Node's own sockets need it.
  const { nextTick, ...methods } = sinon.timers
  if (framework === 'sinon') sinon.useFakeTimers({ toFake: Object.keys(methods).filter((name) => name in globalThis) })
  else mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] })
}

if (before) install()
const library = { ...(await import('twoway')), ...(await import('twoway/server')) }
if (!before) install()
assert.equal(await echo(library), expected)
process.exit(0, end)
