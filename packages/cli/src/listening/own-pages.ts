import { subscribe } from 'node:diagnostics_channel'
import type { Command } from 'commander'
import type { HttpAnswer, IncomingRequest, Server } from 'twoway/server'
import { safeHeaders } from './safe-headers.js'

/** The pages that a server accepts beside its own. */
export interface PageOptions {
  /** Accepts pages of any origin, under any host name. */
  readonly anyOrigin?: boolean | undefined
  /** Host names under which its own page is reached, for example behind a proxy: 'echo.example.com'. */
  readonly names?: readonly string[] | undefined
}

/** The same as options of a command. */
export interface PageArguments {
  readonly anyOrigin?: true
  readonly name?: readonly string[]
}

export function addPageOptions(command: Command): Command {
  return command
    .option('--any-origin', 'accept pages of any origin, including pages opened from a file')
    .option('--name <name...>', 'accept its own page under this host name, for use behind a proxy')
}

export function pageOptionsOf({ anyOrigin, name: names }: PageArguments): PageOptions {
  return { anyOrigin, names }
}

const loopbackAddress = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|\[::ffff:(?:127\.[\d.]+|7f[\da-f]{2}:[\da-f]{1,4})\])$/
const loopbackName = /^(?:localhost|.+\.localhost)$/

/**
 * Whether a request uses a host name that can't be the server's: the server listens on a loopback address, and the name is
 * not a loopback name. The owner of the name made it point here (DNS rebinding), so that Origin and Host agree.
 * @param url the URL of the server, with the address that it listens on
 */
export function isByForeignName(request: IncomingRequest, url: string, options: PageOptions): boolean {
  // The URL of a server on all addresses has the name localhost, which is no address.
  if (options.anyOrigin === true || !loopbackAddress.test(new URL(url).hostname)) return false
  const host = (request.headers.get('host') ?? '').toLowerCase().replace(/\.?(?::\d*)?$/, '')
  if (loopbackAddress.test(host) || loopbackName.test(host)) return false
  return !(options.names ?? []).some((name) => name.toLowerCase().replace(/\.$/, '') === host)
}

/**
 * The same for a handshake. A client that is not a browser sends no Origin, and may use any name, as of a tunnel; a browser
 * always sends one. Requests for pages have none either way.
 */
export function isPageByForeignName(request: IncomingRequest, url: string, options: PageOptions): boolean {
  return request.headers.has('origin') && isByForeignName(request, url, options)
}

/** Refuses a request under a host name that is not known to be the server's. */
export function refuseName(): HttpAnswer {
  const body =
    'This server accepts only loopback names, because it listens on a loopback address. Start it with --name NAME to accept another name, or with --any-origin to accept pages of any origin.\n'
  return { status: 421, headers: safeHeaders, body }
}

/** Tells once why a page was refused: the browser does not tell the page. */
export function tellOfRefusedPage(server: Server<unknown>, tell: (sentence: string) => void): void {
  let isTold = false
  subscribe('twoway:handshake', (event) => {
    const { server: of, status, request } = event as { server: unknown; status?: number; request?: unknown }
    // Refused by the server's own rules, not by the setting "status" of the echo service.
    if (isTold || of !== server || status !== 403 || request !== undefined) return
    isTold = true
    tell(
      'A page of another origin was refused. Start with --any-origin to accept pages of any origin, including pages opened from a file.',
    )
  })
}
