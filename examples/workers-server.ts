/** The module that each process of `workers.ts` runs: an ordinary server that does not know about the others. */
import { serve } from 'twoway/server'

await serve({
  port: Number(process.env.PORT ?? 8080),
  open: (socket) => socket.send(`You are with process ${process.pid}`),
  message: (socket, message) => socket.send(message),
})
