'use client'

import { WebSocket } from 'twoway'

export default function Page() {
  return (
    <button type="button" onClick={() => new WebSocket('/')}>
      Connect
    </button>
  )
}
