import { utf8 } from '../bytes.js'

/** The header lines of a correct opening handshake; a change replaces a field, and `undefined` leaves it out. */
export function requestLines(
  port: number,
  changes: Readonly<Record<string, string | readonly string[] | undefined>> = {},
): string[] {
  const fields = {
    Host: `127.0.0.1:${port}`,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    ...changes,
  }
  return Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((each) => `${name}: ${each}`),
  )
}

/** The head of a request: its start line, its header lines, and the empty line. */
export function request(lines: readonly string[], startLine = 'GET / HTTP/1.1'): string {
  return `${[startLine, ...lines].join('\r\n')}\r\n\r\n`
}

/** The bytes of a correct opening handshake to `localhost`, with further header lines. */
export function handshakeRequest(target = '/', ...lines: readonly string[]): Uint8Array {
  return utf8(request([...requestLines(0, { Host: 'localhost' }), ...lines], `GET ${target} HTTP/1.1`))
}
