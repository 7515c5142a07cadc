/**
 * `npm run chat [-- --port 8090] [--workers 2] [--file .scratch/chat.jsonl]`: a chat with rooms, history and presence. Kill the
 * server under it and start it again, or kill a worker: the pages lose nothing. Several workers keep the messages in memory,
 * and one process keeps them in the file.
 */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { gracefulShutdown, serveWorkers } from 'twoway/workers'
import { startChat } from './chat-server.js'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8090' },
    workers: { type: 'string', default: '1' },
    file: { type: 'string', default: '.scratch/chat.jsonl' },
  },
})
const port = Number(values.port)
const workers = Number(values.workers)

const running =
  workers > 1
    ? await serveWorkers(new URL('./worker.js', import.meta.url), { workers, env: { CHAT_PORT: String(port) } })
    : await startChat({ port, file: existing(values.file) })
gracefulShutdown(running, { withinMs: 5000 })
console.log(`The chat is on ${running.url.replace('ws', 'http')}/ (process ${process.pid}). Open it in two windows.`)

/** The file, in a folder that exists. */
function existing(file: string): string {
  mkdirSync(dirname(file), { recursive: true })
  return file
}
