/** What runs in each process of `workers.ts`: an ordinary server, which knows nothing of the others. */
import { serve } from 'twoway/server'

await serve({
  port: Number(process.env.PORT ?? 8080),
  open: (socket) => socket.send(`You are with process ${process.pid}`),
  message: (socket, message) => socket.send(message),
})
