import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as browser from './browser.js'
import { WebSocketError, WebSocketStream } from './browser.js'
import * as client from './client.js'

describe('the entries of a client', () => {
  it('have the same names on every platform: a program links wherever it runs', () => {
    assert.deepEqual(Object.keys(browser), Object.keys(client))
  })

  it("give a browser the platform's own WebSocket, and others ours", () => {
    const own = (globalThis as { WebSocket?: unknown }).WebSocket
    assert.equal(browser.WebSocket, own)
    assert.notEqual(client.WebSocket, own)
  })

  it('give a browser without a WebSocketStream ours, and the WebSocketError that goes with it', () => {
    if ('WebSocketStream' in globalThis) return
    assert.equal(WebSocketStream.name, 'WebSocketStream')
    assert.equal(WebSocketError, client.WebSocketError)
    assert.equal(client.HandshakeError, browser.HandshakeError)
  })
})
