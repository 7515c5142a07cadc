import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/*
 * A program under test replaces functions and classes of the platform, and gives values of another realm. So the library keeps
 * what it uses from when it is loaded, and never asks a caller's value for its class. These tests read the emitted JavaScript,
 * which has no types.
 */

const dist = fileURLToPath(new URL('../../packages/twoway/dist/', import.meta.url))

/** Rooms that bind them, and programs of workers, which run before any code of the user's. */
const binding = /(?:^|\/)platform\.js$|\/genuine-timers\.js$|^entries\//

const functions = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate']
const objects = ['queueMicrotask', 'performance', 'crypto', 'Date', 'process\\.nextTick', 'process\\.hrtime']
const classes = ['TextDecoder', 'TextEncoder', 'URL', 'Blob', 'File', 'FileReader', 'Event', 'EventTarget']
const moreClasses = ['MessageEvent', 'CloseEvent', 'ErrorEvent', 'DOMException', 'ReadableStream', 'WritableStream']
const controllers = ['TransformStream', 'AbortController', 'AbortSignal', 'MessageChannel', 'structuredClone']
const replaceable = [...functions, ...objects, ...classes, ...moreClasses, ...controllers]

/** Classes whose objects only the library or Node makes, in the realm of the module that asks. */
const ours = [
  'ProtocolError',
  'HandshakeError',
  'TransportError',
  'UsageError',
  'BroadcastMessage',
  'HubError',
  'SchemaFault',
  'HubTopic',
  'TextBytes',
  'StandInHandle',
]
/** Modules of Node have one realm in a process. The sets of subscriptions are the library's own. */
const ofNode = ['Socket', 'TLSSocket', 'HttpServer', 'TlsServer', 'Set']

function sources(): { readonly path: string; readonly code: string }[] {
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.js') && !path.endsWith('.test.js') && !path.includes('.build'))
    .map((path) => ({ path, code: withoutText(readFileSync(`${dist}${path}`, 'utf8')) }))
}

/** Code without comments and strings. Of templates, the expressions are left. */
function withoutText(code: string): string {
  return code
    .replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$|\s\/\/ .*$|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/gm, ' ')
    .replace(/`[^`]*`/g, (template) => Array.from(template.matchAll(/\$\{([^}]*)\}/g), ({ 1: code }) => code).join(';'))
}

/** Names that a file imports, or takes as members in a pattern. */
function isOwnName(code: string, name: string): boolean {
  return new RegExp(`import\\s[^;]*\\b${name}\\b|class ${name}\\b|(?:const|let) ${name}\\b`).test(code)
}

function violationsOf(code: string): string[] {
  const globals = replaceable.filter(
    (name) => !isOwnName(code, name) && new RegExp(`(?<![\\w.$#])${name}\\b(?!\\s*[:=(][^=;]*\\)?\\s*\\{)`).test(code),
  )
  const kinds = [...code.matchAll(/\binstanceof\s+([\w.]+)/g)].map(([, name]) => name!)
  return [
    ...globals,
    ...kinds.filter((name) => ![...ours, ...ofNode].includes(name)).map((name) => `instanceof ${name}`),
  ]
}

test('only the places that bind them use functions and classes of the platform that a program may replace', () => {
  const files = sources().filter(({ path }) => !binding.test(path))
  assert.ok(files.length > 100)
  const found = files.flatMap(({ path, code }) => violationsOf(code).map((what) => `${relative('.', path)}: ${what}`))
  assert.deepEqual(found, [])
})

test('a use of a replaceable global or of instanceof is found', () => {
  const uses = [
    ['setTimeout(run, 1)', 'setTimeout'],
    ['defer = queueMicrotask', 'queueMicrotask'],
    ['process.nextTick(run)', 'process\\.nextTick'],
    ['class Own extends EventTarget {}', 'EventTarget'],
    ['new TextDecoder()', 'TextDecoder'],
    ['if (value instanceof ArrayBuffer) run()', 'instanceof ArrayBuffer'],
  ]
  for (const [code, name] of uses) assert.deepEqual(violationsOf(code!), [name])
  for (const code of [
    "import { now } from './platform.js'; now()",
    '// setTimeout',
    "'Date'",
    'socket.setTimeout(0)',
  ]) {
    assert.deepEqual(violationsOf(withoutText(code)), [])
  }
})
