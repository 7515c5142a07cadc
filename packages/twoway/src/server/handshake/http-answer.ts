import { findField } from '../../core/http/header-fields.js'
import type { HttpResponse } from '../../ports/http-host.js'
import type { HeaderInput, HttpAnswer, ResponseLike } from '../server-types.js'

/** Whether the answer of a handler is a Response of the platform. */
function isResponse(answer: HttpAnswer): answer is ResponseLike {
  return 'arrayBuffer' in answer && typeof answer.arrayBuffer === 'function'
}

/** The answer of a handler, ready to be written. The body of a Response is read for that. */
export async function readHttpAnswer(answer: HttpAnswer): Promise<HttpResponse> {
  const fields = fieldsOf(answer.headers)
  const body = isResponse(answer) ? new Uint8Array(await answer.arrayBuffer()) : (answer.body ?? '')
  if (findField(fields, 'content-type') < 0 && typeof body === 'string')
    fields.unshift('Content-Type', 'text/plain; charset=utf-8')
  // The writer of the answer adds the length, as the body is complete.
  return { status: answer.status, fields: withoutField(fields, 'content-length'), body }
}

/** Header fields as names and values in turn. */
export function fieldsOf(headers: HeaderInput | undefined): string[] {
  if (headers === undefined) return []
  const entries = headers as Readonly<Record<string, string>> | Iterable<readonly [name: string, value: string]>
  return (Symbol.iterator in entries ? [...entries] : Object.entries(entries)).flat()
}

function withoutField(fields: readonly string[], unwanted: string): string[] {
  const at = findField(fields, unwanted)
  return at < 0 ? [...fields] : fields.toSpliced(at, 2)
}
