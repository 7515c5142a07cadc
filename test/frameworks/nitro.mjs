import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { WebSocket } from 'twoway'
import { messagesOf } from './example.mjs'

rmSync('nitro-app', { recursive: true, force: true })
mkdirSync('nitro-app/routes', { recursive: true })
// Nitro refuses files above its root, so the application gets a node_modules of its own.
symlinkSync('../node_modules', 'nitro-app/node_modules', 'junction')
writeFileSync('nitro-app/package.json', '{ "private": true, "type": "module" }')
writeFileSync('nitro-app/nitro.config.mjs', "export default { serverDir: './', features: { websocket: true } }\n")
writeFileSync('nitro-app/routes/index.ts', "export default () => 'Hello from Nitro'\n")
copyFileSync('examples/nitro.ts', 'nitro-app/routes/chat.ts')
const nitro = ['../node_modules/nitro/dist/cli/index.mjs']
execFileSync(process.execPath, [...nitro, 'build', '--preset', 'node_server'], { cwd: 'nitro-app', stdio: 'pipe' })

/** Starts a server of Nitro, and resolves to the address that it prints. */
async function run(...args) {
  const env = { ...process.env, PORT: '0', HOST: '127.0.0.1' }
  const child = spawn(process.execPath, args, { cwd: 'nitro-app', env, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  const page = await new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output)
      if (found) resolve(found[0])
    })
    child.once('close', (code) => reject(new Error(`Nitro ended with ${code}: ${output}`)))
  })
  return { page, child }
}

const { page, child } = await run('.output/server/index.mjs')
assert.equal(await (await fetch(page)).text(), 'Hello from Nitro')
const url = `${page.replace('http', 'ws')}/chat`
const [ann, bob] = ['Ann', 'Bob'].map((name) => new WebSocket(`${url}?name=${name}`))
const [toAnn, toBob] = [ann, bob].map(messagesOf)
await Promise.all([ann, bob].map((socket) => new Promise((resolve) => socket.addEventListener('open', resolve))))
bob.send('hi')
assert.deepEqual([await toAnn(), await toBob()], ['Bob: hi', 'Bob: hi'])

/** The status of a refused handshake. */
const refused = (address, options) =>
  new Promise((resolve) => {
    new WebSocket(address, options).onerror = ({ error }) => resolve(error.status)
  })
assert.equal(await refused(url, { origin: 'https://evil.example' }), 403)
child.kill()
process.exit()
