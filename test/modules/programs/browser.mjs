/** Part of a page, which imports and requires. */
import { HandshakeError, WebSocket } from 'twoway'
import { HandshakeError as required } from './browser-required.cjs'

if (HandshakeError !== required || WebSocket !== globalThis.WebSocket) throw new Error('The library was loaded twice.')
console.log('echoed')
