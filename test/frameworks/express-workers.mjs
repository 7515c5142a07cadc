import assert from 'node:assert/strict'
import cookieSession from 'cookie-session'
import express from 'express'
import { WebSocket } from 'twoway'
import { attach } from 'twoway/server'
import { gracefulShutdown, serveWorkers } from 'twoway/workers'

if (process.argv[2] === 'worker') startApp()
else await test()

/** A chat of users who have logged in, in each of two processes. */
function startApp() {
  const sessions = cookieSession({ name: 'session', secret: 'a secret of the test' })
  const app = express().use(sessions, express.urlencoded({ extended: false }))
  app.post('/login', (request, response) => {
    request.session.user = request.body.user
    response.send('welcome')
  })
  const chat = attach(app.listen(0, '127.0.0.1'), {
    path: '/rooms/:id',
    use: [sessions],
    upgrade(request, { nodeRequest }) {
      const { user } = nodeRequest.session
      if (user === undefined) return { status: 401, body: 'log in first' }
      return { data: { user, room: `room.${request.params.id}` } }
    },
    open: (socket) => socket.subscribe(socket.data.room),
    message({ data: { user, room } }, message) {
      chat.publish(room, JSON.stringify({ user, message, pid: process.pid }))
    },
  })
}

async function test() {
  const workers = await serveWorkers(new URL(import.meta.url), { workers: 2, args: ['worker'], admin: { port: 0 } })
  const page = workers.url.replace('ws', 'http')

  async function login(user) {
    const response = await fetch(`${page}/login`, { method: 'POST', body: new URLSearchParams({ user }) })
    return response.headers
      .getSetCookie()
      .map((each) => each.split(';')[0])
      .join('; ')
  }
  /** Resolves to the connection, or to the status of the refusal. */
  const opened = (headers = {}) =>
    new Promise((resolve) => {
      const socket = new WebSocket(`${workers.url}/rooms/7`, { headers })
      socket.onopen = () => resolve(socket)
      socket.onerror = ({ error }) => resolve(error.status)
    })

  assert.equal(await opened(), 401)
  const cookies = [await login('Ann'), await login('Bob')]
  const sockets = []
  const pids = new Set()
  const texts = []
  let received = 0
  let settle
  const all = new Promise((resolve) => {
    settle = resolve
  })
  for (let count = 0; count < 8; count++) sockets.push(await opened({ Cookie: cookies[count % 2], Origin: page }))
  const closes = sockets.map((socket) => new Promise((resolve) => socket.addEventListener('close', resolve)))
  for (const socket of sockets) {
    socket.onmessage = ({ data }) => {
      const { user, message, pid } = JSON.parse(data)
      pids.add(pid)
      texts.push(`${user}: ${message}`)
      received += 1
      if (received === sockets.length ** 2) settle()
    }
  }
  for (const [index, socket] of sockets.entries()) socket.send(String(index))
  // A message reaches the clients of both processes.
  await all
  assert.equal(pids.size, 2)
  const counted = new Map(texts.map((text) => [text, texts.filter((each) => each === text).length]))
  assert.deepEqual(
    [...counted.values()],
    sockets.map(() => sockets.length),
  )
  assert.ok(counted.has('Ann: 0') && counted.has('Bob: 1'))

  const metrics = await (await fetch(`${workers.adminUrl}/metrics`)).text()
  assert.match(metrics, /^twoway_connections 8$/m)
  assert.match(metrics, /^twoway_handshakes_total\{status="401"\} 1$/m)

  gracefulShutdown(workers, {
    withinMs: 5000,
    // biome-ignore lint/suspicious/noThenProperty: `then` is the name of the option.
    async then() {
      const codes = (await Promise.all(closes)).map(({ code }) => code)
      assert.deepEqual([...new Set(codes)], [1012])
    },
  })
  process.kill(process.pid, 'SIGTERM')
}
