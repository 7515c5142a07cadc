import { WebSocket, type WebSocketOptions } from 'twoway'

/** The course of a client's connection. */
export interface Trip {
  readonly opened: boolean
  /** The number of messages that came back unchanged. */
  readonly echoes: number
  /** Whether a message came back changed. */
  readonly isGarbled: boolean
  readonly code: number
  readonly wasClean: boolean
  /** The message of its error event, or ''. */
  readonly error: string
  readonly ms: number
}

export interface TripOptions extends WebSocketOptions {
  readonly messages?: readonly string[]
  /** The client closes once all messages came back, or this time after it opened. */
  readonly patienceMs?: number
}

/** Connects, sends messages and closes after their echoes. Resolves when the connection has ended. */
export function echoTrip(
  url: string,
  { messages = [], patienceMs = 1000, ...options }: TripOptions = {},
): Promise<Trip> {
  const begun = performance.now()
  const socket = new WebSocket(url, options)
  let opened = false
  let echoes = 0
  let isGarbled = false
  let error = ''
  let timer: NodeJS.Timeout | undefined
  socket.onopen = () => {
    opened = true
    for (const message of messages) socket.send(message)
    timer = setTimeout(() => socket.close(1000), patienceMs)
    if (messages.length === 0) socket.close(1000)
  }
  socket.onmessage = ({ data }) => {
    if (data === messages[echoes]) echoes += 1
    else isGarbled = true
    if (echoes === messages.length) socket.close(1000)
  }
  socket.addEventListener('error', (event) => {
    error = String((event as { error?: unknown }).error ?? 'an error')
  })
  return new Promise((resolve) => {
    socket.onclose = ({ code, wasClean }) => {
      clearTimeout(timer)
      resolve({ opened, echoes, isGarbled, code, wasClean, error, ms: performance.now() - begun })
    }
  })
}
