import type { HttpListener } from '../ports/http-host.js'

const everyAddress = new Set(['0.0.0.0', '::'])

/** The URL of a listener, to which a path can be appended; '' if it does not listen. */
export function urlOf({ address, port, socketPath, encrypted }: HttpListener): string {
  const scheme = encrypted ? 'wss' : 'ws'
  if (socketPath !== undefined) return `${scheme}+unix:${socketPath.split('/').map(encodeURIComponent).join('/')}:`
  if (address === '') return ''
  const host = everyAddress.has(address) ? 'localhost' : address.includes(':') ? `[${address}]` : address
  return `${scheme}://${host}:${port}`
}
