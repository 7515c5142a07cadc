import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { attach } from 'twoway/server'
import { gracefulShutdown } from 'twoway/workers'
import { chat } from './chat-hub.js'

const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

/** Serves the files of `dist`, which `npm run build` makes. */
const httpServer = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost')
  const path = pathname === '/' ? '/index.html' : pathname
  try {
    const body = await readFile(join(import.meta.dirname, 'dist', path))
    response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' }).end(body)
  } catch {
    response.writeHead(404).end()
  }
})
gracefulShutdown(attach(httpServer, chat))
httpServer.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${httpServer.address().port}/`)
})
