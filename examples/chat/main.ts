/**
 * `npm run chat [-- --port 8090] [--workers 2] [--file chat.jsonl]`: a chat with rooms, history and presence. Kill the server
 * under it and start it again, or kill a worker: the pages lose nothing.
 */
import process from 'node:process'
import { parseArgs } from 'node:util'
import { gracefulShutdown, serveWorkers } from 'twoway/workers'
import { startChat } from './chat-server.js'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8090' },
    workers: { type: 'string', default: '1' },
    file: { type: 'string' },
  },
})
const port = Number(values.port)
const workers = Number(values.workers)

const running =
  workers > 1
    ? await serveWorkers(new URL('./worker.js', import.meta.url), { workers, env: { CHAT_PORT: String(port) } })
    : await startChat({ port, file: values.file })
gracefulShutdown(running, { withinMs: 5000 })
console.log(`The chat is on ${running.url.replace('ws', 'http')}/ (process ${process.pid}). Open it in two windows.`)
