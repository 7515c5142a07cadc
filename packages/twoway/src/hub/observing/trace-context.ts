/** The trace context of a message, by the two header fields of W3C Trace Context, level 1. */
export interface TraceContext {
  traceparent?: string | undefined
  tracestate?: string | undefined
}

const longestState = 512

/** Version, trace-id, parent-id and trace-flags; no id of zeros alone, and not the version ff: §3.2. */
const parent = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
const state = /^[\x20-\x7e]+$/

// The context stands first in the JSON of a message, so that one look tells whether there is one.
const start = '"traceparent":'
const written = /^"traceparent":"([0-9a-f-]{55})"(?:,"tracestate":("(?:[ !#-[\]-~]|\\["\\])*"))?(?:,|$)/

/**
 * A trace context as the first members of a JSON object; '' if there is none. One that breaks the rules is left out: its
 * receiver must begin a trace of its own (§4.3), and it is no reason to refuse the message.
 */
export function traceMembers({ traceparent, tracestate }: TraceContext): string {
  if (typeof traceparent !== 'string' || !parent.test(traceparent)) return ''
  const isGood = typeof tracestate === 'string' && tracestate.length <= longestState && state.test(tracestate)
  return `${start}"${traceparent}"${isGood ? `,"tracestate":${JSON.stringify(tracestate)}` : ''}`
}

/** The trace context that the members of an object begin with; undefined if there is none. */
export function traceOfMembers(members: string): TraceContext | undefined {
  const found = members.startsWith(start) ? written.exec(members) : null
  if (found === null) return undefined
  const [, traceparent, tracestate] = found
  return { traceparent, tracestate: tracestate === undefined ? undefined : JSON.parse(tracestate) }
}

/** The members of an object without the trace context that they begin with. */
export function withoutTrace(members: string): string {
  return members.startsWith(start) ? members.replace(written, '') : members
}
