import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * Runs the example beside this file on a free port; what runs the test ends it. Resolves to the URL of its WebSocket, which it
 * prints, and that of its pages. It runs in the folder `cwd`.
 */
export async function start(name, cwd = '.') {
  const program = fileURLToPath(new URL(`examples/${name}.js`, import.meta.url))
  const env = { ...process.env, PORT: '0', NEXT_TELEMETRY_DISABLED: '1' }
  const child = spawn(process.execPath, [program], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  const url = await new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
      const found = /wss?:\/\/\S+(?=\n)/.exec(output)
      if (found) resolve(found[0])
    })
    child.once('close', (code) => reject(new Error(`the example ${name} ended with ${code}: ${output}`)))
  })
  return { url, page: url.replace('ws', 'http').replace(/\/[\w/]*$/, ''), child }
}

/** Messages of a socket in their order: each call of the result resolves to the next. */
export function messagesOf(socket) {
  const arrived = []
  const waiting = []
  socket.addEventListener('message', ({ data }) => {
    const next = waiting.shift()
    if (next) next.resolve(data)
    else arrived.push(data)
  })
  socket.addEventListener('close', ({ code, reason }) => {
    for (const { reject } of waiting) reject(new Error(`closed with ${code} ${reason}`))
  })
  return () =>
    arrived.length > 0 ? arrived.shift() : new Promise((resolve, reject) => waiting.push({ resolve, reject }))
}
