/**
 * Traces the servers of this process with OpenTelemetry: a span for each opening handshake, and one for each call of a
 * handler. `traceHubs` traces the messages of hubs from their publish to each process that delivers them. Call each once,
 * before or after the servers start:
 *
 *     import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
 *     import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
 *
 *     const contextManager = new AsyncLocalStorageContextManager()
 *     const provider = new NodeTracerProvider({ spanProcessors: [...] })
 *     provider.register({ contextManager })
 *     traceServers({ contextManager })
 *     traceHubs({ contextManager })
 *
 * A handshake continues the trace of its `traceparent` header. The spans of handlers are the parents of the spans that the
 * program makes within them. They begin traces of their own and link to the handshake of their connection, because a
 * connection may live for days.
 */
import { channel } from 'node:diagnostics_channel'
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'

/**
 * @param {{ contextManager: object, tracer?: import('@opentelemetry/api').Tracer, handlers?: readonly string[] }} options
 *   `handlers` are those that get a span; 'upgrade' runs within the handshake's
 * @returns {() => void} ends the tracing
 */
export function traceServers({
  contextManager,
  tracer = trace.getTracer('twoway'),
  handlers = ['open', 'message', 'messageStream', 'close', 'request'],
}) {
  /** The spans of handshakes, by their request, for the links of the connection's other spans. */
  const handshakes = new WeakMap()

  const startHandshake = (operation) => {
    const { request, remoteAddress } = operation
    const parent =
      request === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, Object.fromEntries(request.headers))
    const attributes = {
      ...attributesOf(request),
      'client.address': remoteAddress,
      'network.peer.address': remoteAddress,
    }
    const span = tracer.startSpan('GET', { kind: SpanKind.SERVER, attributes }, parent)
    if (request !== undefined) handshakes.set(request, span.spanContext())
    return { span, parent }
  }

  const startHandler = (operation) => {
    const { handler, socket, argument } = operation
    if (!handlers.includes(handler)) return { parent: context.active() }
    const handshake = socket && handshakes.get(socket.request)
    const span = tracer.startSpan(
      `websocket ${handler}`,
      {
        kind: handler === 'request' ? SpanKind.SERVER : SpanKind.INTERNAL,
        links: handshake ? [{ context: handshake }] : [],
        attributes: {
          'network.protocol.name': 'websocket',
          'code.function.name': handler,
          ...(handler === 'request' ? attributesOf(argument) : {}),
          ...(handler === 'message' ? sizeOf(argument) : {}),
          ...(handler === 'close'
            ? { 'twoway.close.code': argument.code, 'twoway.close.clean': argument.wasClean }
            : {}),
          'client.address': socket?.remoteAddress,
        },
      },
      ROOT_CONTEXT,
    )
    return { span, parent: ROOT_CONTEXT }
  }

  return bindSpans(contextManager, { 'twoway:handshake': startHandshake, 'twoway:handler': startHandler })
}

/**
 * A publish of the server is a child of the active span; one of a client continues the trace that the client names. The hub
 * carries the context of the publish, and each process makes a span of its delivery as a child of that.
 *
 * @param {{ contextManager: object, tracer?: import('@opentelemetry/api').Tracer }} options
 * @returns {() => void} ends the tracing
 */
export function traceHubs({ contextManager, tracer = trace.getTracer('twoway') }) {
  const startPublish = (operation) => {
    const { topic, key, client } = operation
    const parent = client === undefined ? context.active() : propagation.extract(ROOT_CONTEXT, operation)
    const attributes = {
      ...messageAttributes('publish', 'send', topic),
      'messaging.message.id': key,
      'enduser.pseudo.id': client?.user,
    }
    const span = tracer.startSpan('publish', { kind: SpanKind.PRODUCER, attributes }, parent)
    // The hub takes traceparent and tracestate from the operation.
    propagation.inject(trace.setSpan(parent, span), operation)
    return { span, parent }
  }

  const startDelivery = (operation) => {
    const parent = propagation.extract(ROOT_CONTEXT, operation)
    const attributes = messageAttributes('deliver', 'process', operation.topic)
    const span = tracer.startSpan('deliver', { kind: SpanKind.CONSUMER, attributes }, parent)
    return { span, parent }
  }

  return bindSpans(contextManager, { 'twoway:publish': startPublish, 'twoway:deliver': startDelivery })
}

/** The attributes of a message by the semantic conventions for messaging. */
function messageAttributes(name, type, topic) {
  return {
    'messaging.system': 'twoway',
    'messaging.operation.name': name,
    'messaging.operation.type': type,
    'messaging.destination.name': topic,
  }
}

/** Has operations run within the span that their function starts, and ends the span with the operation. */
function bindSpans(contextManager, starters) {
  // OpenTelemetry keeps its context in this store. A channel that binds the store runs each operation in the span's context.
  const storage = contextManager._asyncLocalStorage
  const spans = new WeakMap()

  const fail = (operation) => {
    const span = spans.get(operation)
    if (span === undefined) return
    const { error } = operation
    span.recordException(error)
    span.setStatus({ code: SpanStatusCode.ERROR, message: error?.message })
    span.setAttribute('error.type', error?.code ?? error?.name ?? typeof error)
  }

  const end = (operation) => {
    const span = spans.get(operation)
    spans.delete(operation)
    if (span === undefined) return
    const { status } = operation
    if (status !== undefined) span.setAttribute('http.response.status_code', status)
    if (status >= 500) {
      span.setStatus({ code: SpanStatusCode.ERROR })
      if (operation.error === undefined) span.setAttribute('error.type', String(status))
    }
    span.end()
  }

  /** At the end of the call, an operation is over unless it goes on asynchronously. */
  const endOfCall = (operation) => {
    if ('status' in operation || 'result' in operation || 'error' in operation) end(operation)
  }

  const undo = Object.entries(starters).map(([name, start]) => {
    const starts = channel(`tracing:${name}:start`)
    const listeners = { error: fail, end: endOfCall, asyncEnd: end }
    starts.bindStore(storage, (operation) => {
      const { span, parent } = start(operation)
      if (span === undefined) return parent
      spans.set(operation, span)
      return trace.setSpan(parent, span)
    })
    for (const [kind, listener] of Object.entries(listeners)) channel(`tracing:${name}:${kind}`).subscribe(listener)
    return () => {
      starts.unbindStore(storage)
      for (const [kind, listener] of Object.entries(listeners)) channel(`tracing:${name}:${kind}`).unsubscribe(listener)
    }
  })
  return () => {
    for (const each of undo) each()
  }
}

/** The attributes of a request by the semantic conventions for HTTP servers. A query may have secrets, so it is left out. */
function attributesOf(request) {
  if (request === undefined) return { 'http.request.method': 'GET', 'url.scheme': 'ws' }
  const { protocol, hostname, port, pathname } = new URL(request.url)
  return {
    'http.request.method': request.method,
    'url.scheme': protocol.slice(0, -1),
    'url.path': pathname,
    'server.address': hostname,
    'server.port': port === '' ? undefined : Number(port),
    'network.protocol.name': 'http',
    'network.protocol.version': '1.1',
    'user_agent.original': request.headers.get('user-agent') ?? undefined,
  }
}

function sizeOf(message) {
  const isText = typeof message === 'string'
  return { 'twoway.message.type': isText ? 'text' : 'binary', 'twoway.message.length': message.length }
}
