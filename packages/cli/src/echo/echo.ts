import { networkInterfaces } from 'node:os'
import type { Command } from 'commander'
import type { Server } from 'twoway/server'
import {
  addListenOptions,
  howToTrust,
  type Identity,
  type ListenOptions,
  listenAsAsked,
} from '../listening/listen-options.js'
import { stopSignal } from '../stop-signal.js'
import { startEchoService } from './echo-service.js'
import { listEchoSettings } from './echo-settings.js'

/** Adds the command `twoway echo`: the echo service, until a signal ends it. */
export function addEcho(program: Command): void {
  const command = program
    .command('echo')
    .summary('send every WebSocket message back')
    .description(
      'Sends every WebSocket message back as it came, text as text and binary as binary, on every path, and serves a page to try it with. What a URL asks in its query it does besides.',
    )
  addListenOptions(command)
    .addHelpText('after', `\nIn a URL's query, as in ws://127.0.0.1:8080/?delay=200&drop=0.1\n${listEchoSettings()}`)
    .addHelpText('after', '\nGET /health says whether it runs, GET /metrics gives figures for Prometheus.')
    .action(echo)
}

async function echo(options: ListenOptions): Promise<void> {
  const { server, identity } = await listenAsAsked(options, startEchoService)
  // Before the greeting: who reads it may end us at once.
  const stopped = stopSignal()
  console.log(greeting(server, options.host, identity))
  await stopped
  const { size } = server.connections
  if (size > 0) console.log(`Closing ${size} connection${size === 1 ? '' : 's'}. Ctrl+C again ends at once.`)
  await server.close()
}

/** Where the service can be reached, for people; a pipe gets the same. */
function greeting(server: Server<unknown>, host: string, tls: Identity | undefined): string {
  const urls = [server.url, ...addressesBehind(host).map((address) => urlAt(server, address))]
  const pages = urls.map((url) => `${url.replace(/^ws/, 'http')}/`)
  return [
    'Twoway echo: every message comes back.',
    '',
    listed('WebSocket', urls),
    listed('Page', pages),
    '',
    ...(tls?.file === undefined ? [] : [...howToTrust(tls.file), '']),
    'Ctrl+C ends it.',
  ].join('\n')
}

/** One URL a line, and in front of the first what they are of. */
function listed(word: string, urls: readonly string[]): string {
  return urls.map((url, index) => `  ${(index === 0 ? word : '').padEnd(11)}${url}`).join('\n')
}

function urlAt(server: Server<unknown>, address: string): string {
  const { protocol } = new URL(server.url)
  return `${protocol}//${address.includes(':') ? `[${address}]` : address}:${server.port}`
}

/** This machine's addresses for others, where the service listens on all of them. */
function addressesBehind(host: string): string[] {
  if (host !== '0.0.0.0' && host !== '::') return []
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family, scopeid }) => !internal && (family === 'IPv4' || (host === '::' && scopeid === 0)))
    .map(({ address }) => address)
}
