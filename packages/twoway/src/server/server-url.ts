import type { HttpListener } from '../ports/http-host.js'

const everyAddress = new Set(['0.0.0.0', '::'])

/** The URL of what a listener listens on, for a path to be appended to; '' where it does not listen. */
export function urlOf({ address, port, socketPath, encrypted }: HttpListener): string {
  const scheme = encrypted ? 'wss' : 'ws'
  if (socketPath !== undefined) return `${scheme}+unix:${socketPath.split('/').map(encodeURIComponent).join('/')}:`
  if (address === '') return ''
  const host = everyAddress.has(address) ? 'localhost' : address.includes(':') ? `[${address}]` : address
  return `${scheme}://${host}:${port}`
}
