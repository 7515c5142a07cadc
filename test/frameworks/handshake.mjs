import { once } from 'node:events'
import { WebSocket } from 'twoway'

/** Has a server listen on a free port of this machine, and resolves to `127.0.0.1:PORT`. */
export async function listen(server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${server.address().port}`
}

/** Connects, and resolves to the first message with the cookies that the answer set, or to the status of a refusal. */
export function connect(url, headers = {}) {
  const socket = new WebSocket(url, { headers, handshakeTimeoutMs: 5000 })
  return new Promise((resolve) => {
    let cookies = []
    socket.onopen = (event) => {
      cookies = event.headers.getSetCookie()
    }
    socket.onmessage = ({ data }) => {
      socket.close()
      resolve({ data, cookies, cookie: pairs(cookies) })
    }
    socket.onerror = ({ error }) =>
      resolve({
        status: error.status,
        location: error.headers?.get('location'),
        cookies: error.headers?.getSetCookie(),
      })
  })
}

/** Sends a request, and resolves to the value of the Cookie field that answers what it sets. */
export async function login(url, options) {
  const response = await fetch(url, { redirect: 'manual', ...options })
  return pairs(response.headers.getSetCookie())
}

function pairs(cookies) {
  return cookies.map((cookie) => cookie.split(';')[0]).join('; ')
}
