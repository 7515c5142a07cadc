import { createHub } from 'twoway/hub'

/** The chat: rooms with history and presence. The name that a page gives is its user. */
const hub = createHub({
  topics: { 'room.*': { publish: true, presence: true } },
  authenticate: ({ token }) => (typeof token === 'string' && token !== '' ? { user: token } : undefined),
})

export const chat = { path: '/chat', ...hub.handlers() }
