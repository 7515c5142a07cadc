import { createHub, type Hub, HubError, type Json } from 'twoway/hub'

/** The subprotocol of docs/reference/protocol.md. */
export const topicsProtocol = 'twoway.1'

const longestName = 30

/** The topics of the service: few, with a short history, for anyone. */
export function echoHub(): Hub {
  return createHub({
    topics: { '>': { publish: true, presence: true } },
    authenticate({ token }) {
      const name = (token as { readonly name?: unknown } | null | undefined)?.name ?? 'anonymous'
      if (typeof name !== 'string' || name === '' || name.length > longestName) {
        throw new HubError('unauthorized', `a name has 1 to ${longestName} characters`)
      }
      return { user: name }
    },
    requests: { echo: (data: Json) => data },
    maxTopics: 200,
    maxTopicsPerClient: 10,
    maxTopicLength: 64,
    maxMembers: 100,
    maxPending: 16,
    historyCount: 50,
    historyBytes: 256 << 10,
    historyTotalBytes: 8 << 20,
    historyAgeMs: 600_000,
    ringCount: 50,
    ringBytes: 256 << 10,
  }) as unknown as Hub
}
