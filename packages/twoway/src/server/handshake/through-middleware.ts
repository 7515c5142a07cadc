import { findField } from '../../core/http/header-fields.js'
import type { HttpResponse, MiddlewareRun } from '../../ports/http-host.js'
import type { PlatformAbortSignal } from '../../ports/platform-types.js'
import type { PlainAnswer, UpgradeAcceptance } from '../answer-types.js'
import { fieldsOf } from './http-answer.js'

type Acceptance<Data> = UpgradeAcceptance<Data> | UpgradeAcceptance<undefined> | undefined

/**
 * Decides on a handshake behind middleware: by the response that a function of it has ended, else by `decide`. Header
 * fields of the middleware's response go into the answer; fields of the decision replace those with the same name, but for
 * Set-Cookie.
 */
export async function throughMiddleware<Data>(
  run: MiddlewareRun,
  signal: PlatformAbortSignal,
  decide: () => Promise<Acceptance<Data> | HttpResponse>,
): Promise<Acceptance<Data> | PlainAnswer> {
  signal.addEventListener('abort', () => run.abandon())
  const written = await run.done
  if (written !== undefined) return answerOf(written, written.fields)
  // The client no longer waits for an answer.
  if (signal.aborted) throw signal.reason
  const decided = await decide()
  if (signal.aborted) throw signal.reason
  if (typeof decided !== 'object' && decided !== undefined) return decided
  const status = decided?.status ?? 101
  const response = await run.finish(status)
  if (response.status !== status) return answerOf(response, response.fields)
  if (isRefusal(decided)) return answerOf(decided, merged(response.fields, decided.fields))
  const fields = merged(response.fields, fieldsOf(decided?.headers))
  return { ...decided, headers: pairsOf(fields) } as Acceptance<Data>
}

/** A refusal in the form of an answer of `upgrade`. */
function answerOf({ status, body }: HttpResponse, fields: readonly string[]): PlainAnswer {
  return { status, headers: pairsOf(fields), body }
}

function isRefusal(decided: Acceptance<unknown> | HttpResponse): decided is HttpResponse {
  return decided?.status !== undefined
}

function merged(base: readonly string[], own: readonly string[]): string[] {
  const kept = pairsOf(base).filter(([name]) => name.toLowerCase() === 'set-cookie' || findField(own, name) < 0)
  return [...kept.flat(), ...own]
}

function pairsOf(fields: readonly string[]): [name: string, value: string][] {
  const pairs: [string, string][] = []
  for (let at = 0; at < fields.length; at += 2) pairs.push([fields[at]!, fields[at + 1]!])
  return pairs
}
