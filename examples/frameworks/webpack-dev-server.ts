/**
 * A WebSocket beside webpack-dev-server, whose own socket for hot reloading keeps working. In webpack.config.ts,
 * `onListening` is a member of `devServer`.
 *
 * `npm install webpack webpack-dev-server twoway`, then run it beside a src/index.js and visit http://127.0.0.1:8080
 */
import { attach } from 'twoway/server'
import webpack from 'webpack'
import WebpackDevServer from 'webpack-dev-server'

const devServer: WebpackDevServer.Configuration = {
  host: '127.0.0.1',
  port: Number(process.env.PORT ?? 8080),
  onListening({ server }) {
    const echo = attach(server!, { path: '/echo', message: (socket, message) => socket.send(message) })
    console.log(`${echo.url}/echo`)
  },
}

const compiler = webpack({ mode: 'development', infrastructureLogging: { level: 'warn' } })
await new WebpackDevServer(devServer, compiler!).start()
