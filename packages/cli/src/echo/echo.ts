import { subscribe } from 'node:diagnostics_channel'
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
    .option('--any-origin', 'let in pages of any origin, those opened from a file too')
    .option('--name <name...>', 'let in own pages by this name, as behind a proxy')
    .addHelpText('after', `\nIn a URL's query, as in ws://127.0.0.1:8080/?delay=200&drop=0.1\n${listEchoSettings()}`)
    .addHelpText(
      'after',
      '\nWhat URLs ask for is sent at 64 MiB a second to one client, and 256 MiB to all,\nat most; a frame counts for 4 KiB beside its payload.',
    )
    .addHelpText(
      'after',
      '\nA page of another origin is refused, for any site could use this service\nthrough its visitors. A page opened from a file has the origin null, as has a\nsandboxed frame of any site: --any-origin lets in all of them.',
    )
    .addHelpText('after', '\nGET /health says whether it runs, GET /metrics gives figures for Prometheus.')
    .action(echo)
}

interface EchoOptions extends ListenOptions {
  readonly anyOrigin?: true
  readonly name?: readonly string[]
}

async function echo(options: EchoOptions): Promise<void> {
  const { anyOrigin, name: names } = options
  const { server, identity } = await listenAsAsked(options, (address) =>
    startEchoService(address, { anyOrigin, names }),
  )
  tellOfRefusedPage(server)
  // Before the greeting: who reads it may end us at once.
  const stopped = stopSignal()
  console.log(greeting(server, options.host, identity))
  await stopped
  const { size } = server.connections
  if (size > 0) console.log(`Closing ${size} connection${size === 1 ? '' : 's'}. Ctrl+C again ends at once.`)
  await server.close()
}

/** Says once why a page was refused: a browser tells its page nothing. */
function tellOfRefusedPage(server: Server<unknown>): void {
  let isTold = false
  subscribe('twoway:handshake', (event) => {
    const { server: of, status, request } = event as { server: unknown; status?: number; request?: unknown }
    // Refused by the server's own rules, not because a URL asks for that status.
    if (isTold || of !== server || status !== 403 || request !== undefined) return
    isTold = true
    console.error(
      'A page of another origin was refused. Start with --any-origin to let in pages of any, those opened from a file too.',
    )
  })
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
