/**
 * A router of tRPC 11 with a subscription, over WebSocket.
 *
 * `npm install @trpc/server twoway`, then run it and connect the `wsLink` of a client to ws://127.0.0.1:3000/trpc
 */
import { createServer } from 'node:http'
import { initTRPC } from '@trpc/server'
import { applyWSSHandler, type CreateWSSContextFnOptions } from '@trpc/server/adapters/ws'
import { trpcServer } from 'twoway/frameworks'
import { attach } from 'twoway/server'

const createContext = ({ req }: CreateWSSContextFnOptions) => ({ agent: req.headers['user-agent'] })

const t = initTRPC.context<typeof createContext>().create()
const router = t.router({
  agent: t.procedure.query(({ ctx }) => ctx.agent),
  ticks: t.procedure.subscription(async function* ({ signal }) {
    for (let tick = 1; !signal?.aborted; tick++) {
      yield tick
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }),
})
export type AppRouter = typeof router

const { wss, handlers } = trpcServer()
const { broadcastReconnectNotification } = applyWSSHandler({ wss, router, createContext })

const httpServer = createServer().listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () =>
  console.log(`${trpc.url}/trpc`),
)
const trpc = attach(httpServer, { path: '/trpc', ...handlers })

// Before a restart, clients connect to another server.
process.on('SIGHUP', broadcastReconnectNotification)
