import { pathOf } from '../../core/http/request-target.js'
import type { IncomingRequest } from '../handshake/incoming-request.js'
import { noParams, type PathParams, PathPattern } from './path-pattern.js'

/** The handshakes that a server takes, by their path. */
export interface Route {
  /** The lowest in order of two routes gets a handshake that both take. */
  readonly order: readonly number[]
  /** Equal for routes that take the same; undefined for a user's function. */
  readonly key: string | undefined
  /** The name of the route in errors. */
  readonly name: string
  /** The parameters, or undefined for a target that the pattern does not match. */
  readonly match: (target: string) => PathParams | undefined
  /** The user's function, if the option `path` is one. */
  readonly accepts?: (request: IncomingRequest) => boolean
}

/** Reads the option `path`. Throws a UsageError for a pattern that can't be understood. */
export function routeOf(path: string | ((request: IncomingRequest) => boolean) | undefined): Route {
  if (path === undefined) return { order: [3], key: '', name: 'without a path', match: () => noParams }
  if (typeof path !== 'string')
    return { order: [2], key: undefined, name: 'for a function', match: () => noParams, accepts: path }
  const pattern = new PathPattern(path)
  return {
    order: [pattern.isExact ? 0 : 1, ...pattern.specificity],
    key: pattern.shape,
    name: `for the path ${path}`,
    match: (target) => pattern.match(pathOf(target)),
  }
}
