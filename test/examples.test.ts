import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'twoway'
import { Link } from 'twoway/link'
import { NodeProcess } from './echo-process.js'

/** Runs an example on a free port, and resolves with the URL of its WebSocket, which it prints. */
async function start(
  context: TestContext,
  name: string,
  cwd = '.',
): Promise<{ readonly url: string; readonly page: string }> {
  const script = fileURLToPath(new URL(`../../examples/dist/${name}.js`, import.meta.url))
  const example = new NodeProcess(script, [], { cwd, env: { ...process.env, PORT: '0' } })
  context.after(() => example.kill())
  const url = await new Promise<string>((resolve, reject) => {
    example.child.stdout!.on('data', () => {
      const found = /wss?:\/\/\S+(?=\n)/.exec(example.stdout)
      if (found) resolve(found[0])
    })
    void example.ended.then(({ code, stderr }) => reject(new Error(`${name} ended with ${code}: ${stderr}`)))
  })
  return { url, page: url.replace('ws', 'http').replace(/\/\w*$/, '') }
}

/** Sends the text if there is one, and resolves with the first message that arrives. */
async function answerTo(url: string | URL, text: string, ...rest: unknown[]): Promise<unknown> {
  const socket = new (WebSocket as unknown as new (url: string | URL, ...rest: unknown[]) => WebSocket)(url, ...rest)
  const answer = await new Promise((resolve, reject) => {
    socket.onopen = () => text !== '' && socket.send(text)
    socket.onmessage = ({ data }) => resolve(data)
    socket.onerror = ({ error }) => reject(error)
  })
  socket.close()
  return answer
}

describe('the example of workers', () => {
  it('greets from one of several processes, and sends the time', async (context) => {
    const { url } = await start(context, 'workers')
    const socket = new WebSocket(url)
    const messages: unknown[] = []
    await new Promise<void>((resolve, reject) => {
      socket.onerror = ({ error }) => reject(error)
      socket.onmessage = ({ data }) => {
        if (messages.push(data) === 2) resolve()
      }
    })
    socket.close()
    assert.match(String(messages[0]), /^You are with process \d+$/)
    assert.match(String(messages[1]), /^\d{4}-.*Z$/)
  })
})

describe('the chat', () => {
  it('loses nothing when its server is killed and started again, without any option', async (context) => {
    const cwd = mkdtempSync(join(tmpdir(), 'twoway-chat-'))
    context.after(() => rmSync(cwd, { recursive: true }))
    const first = await startChat(context, 0, cwd)
    const port = Number(new URL(first.url).port)
    const ann = new Link(first.url, { token: () => ({ name: 'Ann' }), maxWaitMs: 100 })
    context.after(() => ann.close())
    await ann.publish('room.lobby', { id: '1', text: 'before' })
    await first.chat.kill()
    // The link waits for the server, and repeats this one if it must.
    const waiting = ann.publish('room.lobby', { id: '2', text: 'meanwhile' })
    await startChat(context, port, cwd)
    await waiting
    const bob = new Link(first.url, { token: () => ({ name: 'Bob' }) })
    context.after(() => bob.close())
    const history = await bob.history('room.lobby')
    assert.deepEqual(
      history.map(({ data }) => (data as unknown as { text: string }).text),
      ['before', 'meanwhile'],
    )
  })
})

async function startChat(context: TestContext, port: number, cwd: string) {
  const script = fileURLToPath(new URL('../../examples/dist/chat/main.js', import.meta.url))
  const chat = new NodeProcess(script, ['--port', String(port)], { cwd })
  context.after(() => chat.kill())
  const url = await new Promise<string>((resolve, reject) => {
    chat.child.stdout!.on('data', () => {
      const found = /http:\/\/\S+/.exec(chat.stdout)
      if (found) resolve(found[0].replace('http', 'ws'))
    })
    void chat.ended.then(({ code, stderr }) => reject(new Error(`the chat ended with ${code}: ${stderr}`)))
  })
  return { chat, url }
}

describe('the examples of attach', () => {
  it('express: pages and a chat on one port, and 404 elsewhere', async (context) => {
    const { url, page } = await start(context, 'express')
    assert.equal(await answerTo(url, 'hi'), '127.0.0.1: hi')
    assert.match(await (await fetch(page)).text(), /<title>Chat/)
    await assert.rejects(answerTo(url.replace('/chat', '/elsewhere'), 'hi'), { status: 404 })
  })

  it('fastify: two endpoints, one of which requires a login', async (context) => {
    const { url, page } = await start(context, 'fastify')
    assert.equal(await answerTo(url.replace('/news', '/echo'), 'hi'), 'hi')
    await assert.rejects(answerTo(url, ''), { status: 401 })
    const headers = { Authorization: 'Bearer letmein' }
    assert.match(String(await answerTo(url, '', { headers })), /^You listen since/)
    assert.deepEqual(await (await fetch(`${page}/whoami`)).json(), { you: '127.0.0.1' })
  })

  it('hono: its page, an echo as a route, and a room behind its middleware', async (context) => {
    const { url, page } = await start(context, 'hono')
    assert.equal(await answerTo(url, 'hi'), 'hi')
    assert.equal(await (await fetch(page)).text(), 'Hello from Hono')
    const room = url.replace('/echo', '/members/7')
    await assert.rejects(answerTo(room, ''), { status: 401 })
    const headers = { Authorization: `Basic ${btoa('ann:secret')}` }
    assert.equal(await answerTo(room, '', { headers }), 'Welcome to 7')
    await assert.rejects(answerTo(url.replace('/echo', '/elsewhere'), ''), { status: 404 })
  })

  it('vite: an echo beside hot reloading, which tells of a changed module', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'twoway-vite-'))
    context.after(() => rmSync(folder, { recursive: true }))
    const source = (text: string): void =>
      writeFileSync(join(folder, 'main.js'), `document.title = '${text}'\nimport.meta.hot.accept()\n`)
    source('first')
    const { url, page } = await start(context, 'vite', folder)
    assert.equal(await answerTo(url, 'hi'), 'hi')
    assert.match(await (await fetch(`${page}/main.js`)).text(), /first/)
    const client = await (await fetch(`${page}/@vite/client`)).text()
    const token = /wsToken = "([^"]+)"/.exec(client)![1]
    const hot = new WebSocket(`${page.replace('http', 'ws')}/?token=${token}`, {
      protocols: ['vite-hmr'],
      headers: { Origin: page },
    })
    const types: string[] = []
    // Vite may not watch the file yet when it is first written.
    let again: NodeJS.Timeout | undefined
    await new Promise<void>((resolve, reject) => {
      hot.onerror = ({ error }) => reject(error)
      hot.onmessage = ({ data }) => {
        const { type } = JSON.parse(String(data)) as { readonly type: string }
        types.push(type)
        if (type === 'connected') again = setInterval(source, 500, 'second')
        if (type === 'update') resolve()
      }
    })
    clearInterval(again)
    hot.close()
    assert.deepEqual(types, ['connected', 'update'])
    assert.match(await (await fetch(`${page}/main.js`)).text(), /second/)
  })
})
