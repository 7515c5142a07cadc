import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import CDP from 'chrome-remote-interface'
import { args, executablePath } from './chromium.mjs'

const profile = mkdtempSync(join(tmpdir(), 'ws-users-'))
const more = ['--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank']
const chromium = spawn(executablePath, [...args, ...more], { stdio: ['ignore', 'ignore', 'pipe'] })
let port
for await (const line of createInterface({ input: chromium.stderr })) {
  port = /DevTools listening on ws:\/\/[^:]+:(\d+)/.exec(line)?.[1]
  if (port !== undefined) break
}
chromium.stderr.resume()

// The description of the protocol that the package has, not that of the browser.
const client = await CDP({ port: Number(port), host: '127.0.0.1', local: true })
const { Page, Runtime } = client
await Promise.all([Page.enable(), Runtime.enable()])
const loaded = Page.loadEventFired()
await Page.navigate({ url: 'data:text/html,<title>A page</title>' })
await loaded
const evaluate = async (expression) => (await Runtime.evaluate({ expression, returnByValue: true })).result.value
assert.equal(await evaluate('document.title'), 'A page')
assert.equal((await evaluate("'a'.repeat(5_000_000)")).length, 5_000_000)
const printed = once(client, 'Runtime.consoleAPICalled')
await evaluate("console.log('hi')")
assert.equal((await printed)[0].args[0].value, 'hi')
await assert.rejects(client.send('Page.missing'), /wasn't found/)
const ended = once(chromium, 'exit')
const disconnected = once(client, 'disconnect')
await client.Browser.close()
await Promise.all([ended, disconnected])
rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
process.exit()
