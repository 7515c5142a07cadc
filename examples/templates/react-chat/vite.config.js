import react from '@vitejs/plugin-react'
import { attach } from 'twoway/server'
import { chat } from './chat-hub.js'

export default {
  plugins: [
    react(),
    {
      name: 'chat',
      // The chat runs beside the dev server, whose own socket for hot reloading keeps working.
      configureServer: ({ httpServer }) => void attach(httpServer, chat),
    },
  ],
}
