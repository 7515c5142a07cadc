/**
 * `npm run chat [-- --port 8090] [--workers 2] [--file .scratch/chat.jsonl]`: a chat with rooms, history and presence. Kill the
 * server under it and start it again, or kill a worker: the pages lose nothing. Several workers keep the messages in memory,
 * and one process keeps them in the file.
 *
 * `npm run chat -- --nodes 2 --broker nats` starts NATS (or `redis`) and two processes that stand for machines, each with a
 * URL of its own. Buttons on the page kill a node or the broker, which is then started again.
 */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { gracefulShutdown, serveWorkers } from 'twoway/workers'
import { isBrokerName } from './brokers.js'
import { startChat } from './chat-server.js'
import { Machines } from './machines.js'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8090' },
    workers: { type: 'string', default: '1' },
    nodes: { type: 'string' },
    broker: { type: 'string' },
    file: { type: 'string', default: '.scratch/chat.jsonl' },
  },
})
const port = Number(values.port)
const workers = Number(values.workers)

if (values.nodes !== undefined || values.broker !== undefined) await runMachines()
else await runHere()

async function runHere(): Promise<void> {
  const running =
    workers > 1
      ? await serveWorkers(new URL('./worker.js', import.meta.url), { workers, env: { CHAT_PORT: String(port) } })
      : await startChat({ port, file: existing(values.file) })
  gracefulShutdown(running, { withinMs: 5000 })
  console.log(`The chat is on ${running.url.replace('ws', 'http')}/ (process ${process.pid}). Open it in two windows.`)
}

async function runMachines(): Promise<void> {
  const { broker = '', nodes = '2' } = values
  const count = Number(nodes)
  if (!isBrokerName(broker)) return refuse('--nodes needs --broker nats or --broker redis.')
  if (!Number.isInteger(count) || count < 1 || count > 9) return refuse('--nodes takes a number from 1 to 9.')
  const machines = new Machines({ port, nodes: count, broker, folder: `.scratch/chat-${broker}` })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void machines.close().then(() => process.exit()))
  }
  try {
    await machines.start()
    console.log(`The chat is on ${machines.urls.join(' and ')}. Open each in a window.`)
  } catch (error) {
    refuse((error as Error).message)
    await machines.close()
    process.exit()
  }
}

function refuse(reason: string): void {
  console.error(reason)
  process.exitCode = 1
}

/** The file, in a folder that exists. */
function existing(file: string): string {
  mkdirSync(dirname(file), { recursive: true })
  return file
}
