import type { IncomingRequest } from 'twoway/server'

/** Which pages a service lets in, beside those of its own. */
export interface PageOptions {
  /** Pages of any origin, by any name. */
  readonly anyOrigin?: boolean | undefined
  /** Names by which its own pages are reached, as those behind a proxy: 'echo.example.com'. */
  readonly names?: readonly string[] | undefined
}

const thisMachine = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/

/**
 * Whether a browser sends a request by a name that can't be the service's: it listens for this machine alone, and the
 * name is not this machine's. The name's owner has let it point here (DNS rebinding), so that Origin and Host agree.
 * A client that is no browser sends no Origin, and may call the service as it likes.
 */
export function isByForeignName(request: IncomingRequest, listensOn: string, options: PageOptions): boolean {
  if (options.anyOrigin === true || !thisMachine.test(listensOn.toLowerCase())) return false
  const host = (request.headers.get('host') ?? '').toLowerCase().replace(/\.?(?::\d*)?$/, '')
  return !thisMachine.test(host) && !(options.names ?? []).some((name) => name.toLowerCase() === host)
}
