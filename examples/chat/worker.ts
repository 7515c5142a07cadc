/** The module that runs in each process of `npm run chat -- --workers 2`. The parent keeps the messages. */
import { startChat } from './chat-server.js'

await startChat({ port: Number(process.env.CHAT_PORT) })
