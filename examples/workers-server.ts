/** The module that runs in each process of `workers.ts`: an ordinary server without any code for workers. */
import { serve } from 'twoway/server'

await serve({
  port: Number(process.env.PORT ?? 8080),
  open: (socket) => socket.send(`You are with process ${process.pid}`),
  message: (socket, message) => socket.send(message),
})
