import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpResponse, MiddlewareFunction, MiddlewareRun } from '../../../ports/http-host.js'
import { collectResponse } from '../internals/http/collected-response.js'

type Next = (error?: unknown) => void

type AnyFunction = (...args: readonly unknown[]) => unknown

/**
 * Runs middleware for an upgrade as connect and Express do: each function gets the request, the response and `next`. A
 * function with four parameters handles errors. The rejection of a promise that a function returns is an error too.
 *
 * @param failed called with an error that comes after `next` was called, such as that of a session that could not be stored
 */
export function runMiddleware(
  request: IncomingMessage,
  functions: readonly MiddlewareFunction[],
  failed: (error: unknown) => void,
): MiddlewareRun {
  let fail: (error: unknown) => void = () => {}
  const collected = collectResponse(request, (error) => fail(error))
  const { response, ended } = collected
  const broken = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  // It may reject when nothing waits for it.
  broken.catch(() => {})
  let waitsFor: MiddlewareRun['waitsFor']
  const called = new Promise<HttpResponse | undefined>((resolve) => {
    callInOrder(functions, [request, response], {
      isOver: () => collected.isEnded,
      calls: (index) => {
        waitsFor = { index, name: functions[index]!.name }
      },
      passed: () => {
        waitsFor = undefined
        resolve(undefined)
      },
      failed: fail,
      failedLate: failed,
    })
  })
  return {
    done: Promise.race([ended, called, broken]),
    async finish(status) {
      if (!collected.isEnded && !response.headersSent) response.statusCode = status
      waitsFor = 'end'
      if (!collected.isEnded) response.end()
      return Promise.race([ended, broken])
    },
    get waitsFor() {
      return waitsFor
    },
    abandon: collected.close,
  }
}

interface OrderEvents {
  /** Whether the response has ended, so that no further function is called. */
  isOver(): boolean
  calls(index: number): void
  /** The last function has called `next`. */
  passed(): void
  failed(error: unknown): void
  failedLate(error: unknown): void
}

function callInOrder(
  functions: readonly MiddlewareFunction[],
  [request, response]: readonly [IncomingMessage, ServerResponse],
  events: OrderEvents,
): void {
  const step = (at: number, error: unknown): void => {
    if (events.isOver()) return
    const isFailed = Boolean(error)
    let index = at
    while (index < functions.length && (functions[index]!.length === 4) !== isFailed) index++
    const middleware = functions[index] as AnyFunction | undefined
    if (middleware === undefined) {
      if (isFailed) events.failed(error)
      else events.passed()
      return
    }
    events.calls(index)
    let isCalled = false
    const next: Next = (given) => {
      if (isCalled) {
        if (given) events.failedLate(given)
        return
      }
      isCalled = true
      step(index + 1, given)
    }
    try {
      const returned = isFailed ? middleware(error, request, response, next) : middleware(request, response, next)
      if (isPromiseLike(returned))
        returned.then(undefined, (failure: unknown) => next(failure ?? new Error('rejected')))
    } catch (failure) {
      next(failure ?? new Error('middleware threw nothing'))
    }
  }
  step(0, undefined)
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
