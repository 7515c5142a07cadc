/**
 * Loaded before a program: checks which ws the packages of WS_USERS load, and counts its connections. When the program
 * ends, the counts are in the file WS_COUNTS.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import process from 'node:process'

const { WS_USERS, WS_COUNTS } = process.env
const counts = { client: 0, server: 0 }
const seen = new Set()
const names = {}

for (const user of JSON.parse(WS_USERS)) {
  const path = createRequire(join(process.cwd(), 'node_modules', user, 'package.json')).resolve('ws')
  names[user] = nameOf(dirname(path))
  if (seen.has(path)) continue
  seen.add(path)
  count(createRequire(import.meta.url)(path).prototype)
}

function nameOf(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name
  } catch {
    return nameOf(dirname(folder))
  }
}

/** A client and a server call this method when a handshake is done. */
function count(prototype) {
  const { setSocket } = prototype
  prototype.setSocket = function (...values) {
    counts[this._isServer ? 'server' : 'client'] += 1
    return setSocket.apply(this, values)
  }
}

process.on('exit', () => writeFileSync(WS_COUNTS, JSON.stringify({ names, counts })))
