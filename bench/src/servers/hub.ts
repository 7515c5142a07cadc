/** The server under test: a hub of Twoway, with its subprotocol. */

import { createHub } from 'twoway/hub'
import { serve } from 'twoway/server'
import { listening } from './server-order.js'

const hub = createHub({ topics: { all: { publish: true } }, requests: { echo: (text: string) => text } })
const server = await serve({ port: 0, ...hub.handlers() })
listening(server.port)
