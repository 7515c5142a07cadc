/**
 * A WebSocket beside Vite's dev server, whose own socket for hot reloading keeps working. In vite.config.ts this is a plugin.
 *
 * `npm install vite twoway`, then run it and visit http://127.0.0.1:5173
 */
import { attach } from 'twoway/server'
import { createServer, type Plugin } from 'vite'

function echo(): Plugin {
  return {
    name: 'echo',
    configureServer({ httpServer }) {
      if (httpServer === null) return
      attach(httpServer, { path: '/echo', message: (socket, message) => socket.send(message) })
    },
  }
}

const vite = await createServer({
  configFile: false,
  plugins: [echo()],
  server: { host: '127.0.0.1', port: Number(process.env.PORT ?? 5173) },
})
await vite.listen()
console.log(vite.resolvedUrls?.local[0]?.replace('http', 'ws').replace(/\/$/, '/echo'))
