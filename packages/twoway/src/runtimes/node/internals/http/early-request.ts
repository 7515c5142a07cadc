import { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { RequestHead } from '../../../../ports/http-host.js'

/** The private part of node:http that is used here. */
interface OpenRequest {
  _addHeaderLines(fields: string[], length: number): void
}

/** The request that node:http would have made of the head of an upgrade, but without a socket. */
export function earlyRequest({ method, target, version, fields }: RequestHead): IncomingMessage {
  const request = new IncomingMessage(null as unknown as Socket)
  Object.assign(request, {
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    httpVersion: version,
    joinDuplicateHeaders: null,
    url: target,
    method,
    upgrade: true,
    parser: null,
  })
  // A copy has no spare capacity.
  const lines = fields.slice()
  ;(request as unknown as OpenRequest)._addHeaderLines(lines, lines.length)
  request.complete = true
  request.push(null)
  return request
}

/** Whether requests can be made, tried by one. */
export function hasEarlyRequests(): boolean {
  try {
    const { headers } = earlyRequest({ method: 'GET', target: '/', version: '1.1', fields: ['Host', 'a'] })
    return headers.host === 'a'
  } catch {
    return false
  }
}
