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
import { addPageOptions, type PageArguments, pageOptionsOf, tellOfRefusedPage } from '../listening/own-pages.js'
import { stopSignal } from '../stop-signal.js'
import { startEchoService } from './echo-service.js'
import { listEchoSettings } from './echo-settings.js'

/** Adds the command `twoway echo`: the echo service, which runs until a signal ends it. */
export function addEcho(program: Command): void {
  const command = program
    .command('echo')
    .summary('run an echo service')
    .description(
      'Runs an echo service, which sends every WebSocket message back unchanged, on every path, and serves a page to try it. Settings in the query of a URL change what it does.',
    )
  addPageOptions(addListenOptions(command))
    .addHelpText(
      'after',
      `\nSettings in the query of a URL, such as ws://127.0.0.1:8080/?delay=200&drop=0.1\n${listEchoSettings()}`,
    )
    .addHelpText(
      'after',
      '\nTraffic caused by settings is limited to 64 MiB per second for one client and\n256 MiB per second for all. Each frame counts as its payload and 4 KiB.',
    )
    .addHelpText(
      'after',
      '\nPages of other origins are refused, because otherwise any site could use this\nservice through the browsers of its visitors. A page opened from a file has the\norigin null, and so has a sandboxed frame of any site: --any-origin accepts\nthem all.\n\nA service on a loopback address answers browsers, and all requests for pages,\nunder loopback names and those of --name only, because the owner of another\nname could make it point here.',
    )
    .addHelpText(
      'after',
      '\nGET /health reports whether the service is running, GET /metrics returns metrics\nfor Prometheus.',
    )
    .action(echo)
}

async function echo(options: ListenOptions & PageArguments): Promise<void> {
  const { server, identity } = await listenAsAsked(options, (address) =>
    startEchoService(address, pageOptionsOf(options)),
  )
  tellOfRefusedPage(server, console.error)
  // Before the greeting: a reader of it may send a signal at once.
  const stopped = stopSignal()
  console.log(greeting(server, options.host, identity))
  await stopped
  const { size } = server.connections
  if (size > 0) console.log(`Closing ${size} connection${size === 1 ? '' : 's'}. Press Ctrl+C again to exit at once.`)
  await server.close()
}

/** The greeting: where the service can be reached. It is the same in a terminal and a pipe. */
function greeting(server: Server<unknown>, host: string, tls: Identity | undefined): string {
  const urls = [server.url, ...addressesBehind(host).map((address) => urlAt(server, address))]
  const pages = urls.map((url) => `${url.replace(/^ws/, 'http')}/`)
  return [
    'Twoway echo service: every message is sent back.',
    '',
    listed('WebSocket', urls),
    listed('Page', pages),
    '',
    ...(tls?.file === undefined ? [] : [...howToTrust(tls.file), '']),
    'Press Ctrl+C to stop.',
  ].join('\n')
}

/** One URL per line, with a label before the first. */
function listed(word: string, urls: readonly string[]): string {
  return urls.map((url, index) => `  ${(index === 0 ? word : '').padEnd(11)}${url}`).join('\n')
}

function urlAt(server: Server<unknown>, address: string): string {
  const { protocol } = new URL(server.url)
  return `${protocol}//${address.includes(':') ? `[${address}]` : address}:${server.port}`
}

/** The addresses of this machine in its networks, if the service listens on all of them. */
function addressesBehind(host: string): string[] {
  if (host !== '0.0.0.0' && host !== '::') return []
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family, scopeid }) => !internal && (family === 'IPv4' || (host === '::' && scopeid === 0)))
    .map(({ address }) => address)
}
