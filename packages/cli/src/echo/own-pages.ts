import type { IncomingRequest } from 'twoway/server'

/** The pages that a service accepts beside its own. */
export interface PageOptions {
  /** Accepts pages of any origin, under any host name. */
  readonly anyOrigin?: boolean | undefined
  /** Host names under which its own page is reached, for example behind a proxy: 'echo.example.com'. */
  readonly names?: readonly string[] | undefined
}

const thisMachine = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/

/**
 * Whether a browser uses a host name that can't be the service's: the service listens on a loopback address, and the
 * name is not a loopback name. The owner of the name made it point here (DNS rebinding), so that Origin and Host agree.
 * A client that is not a browser sends no Origin, and may use any name.
 */
export function isByForeignName(request: IncomingRequest, listensOn: string, options: PageOptions): boolean {
  if (options.anyOrigin === true || !thisMachine.test(listensOn.toLowerCase())) return false
  const host = (request.headers.get('host') ?? '').toLowerCase().replace(/\.?(?::\d*)?$/, '')
  return !thisMachine.test(host) && !(options.names ?? []).some((name) => name.toLowerCase() === host)
}
