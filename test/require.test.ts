import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import * as client from 'twoway'
import * as frameworks from 'twoway/frameworks'
import * as hub from 'twoway/hub'
import * as link from 'twoway/link'
import * as memory from 'twoway/memory'
import * as metrics from 'twoway/metrics'
import * as server from 'twoway/server'
import * as streams from 'twoway/streams'
import * as workers from 'twoway/workers'

const require = createRequire(import.meta.url)
const library = new URL('../../packages/twoway/', import.meta.url)
const { exports: entries, typesVersions } = JSON.parse(readFileSync(new URL('package.json', library), 'utf8')) as {
  readonly exports: Readonly<Record<string, object>>
  readonly typesVersions: { readonly '*': Readonly<Record<string, readonly string[]>> }
}
const imported: Readonly<Record<string, object>> = {
  '.': client,
  './frameworks': frameworks,
  './hub': hub,
  './link': link,
  './memory': memory,
  './metrics': metrics,
  './server': server,
  './streams': streams,
  './workers': workers,
}
const names = Object.keys(entries).filter((name) => name !== './package.json')

/** Each entry that a program requires by its public name. */
const required = () => names.map((name) => require(`twoway${name.slice(1)}`) as object)

/** Each entry as a loader gets it that knows only the condition `require`. */
const commonjs = () =>
  readdirSync(new URL('dist/commonjs/', library))
    .filter((file) => /^(?!portable|node|worker-start).*\.cjs$/.test(file))
    .map((file) => require(`../../packages/twoway/dist/commonjs/${file}`) as Record<string, unknown>)

/** The memories of WebAssembly that are created while `load` runs: a copy of the library creates one for its sockets. */
function memoriesDuring(load: () => unknown): number {
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: { Memory: new () => object } }
  const { Memory } = WebAssembly
  let count = 0
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, args: []) {
      count += 1
      return Reflect.construct(target, args) as object
    },
  })
  try {
    load()
  } finally {
    WebAssembly.Memory = Memory
  }
  return count
}

describe('a program that imports the library and requires it', () => {
  it('gets the same values from each entry', () => {
    assert.deepEqual(names.toSorted(), Object.keys(imported).toSorted())
    for (const [index, entry] of required().entries()) {
      const name = names[index]!
      for (const [key, value] of Object.entries(imported[name]!)) {
        assert.equal((entry as Record<string, unknown>)[key], value, `${name} has two of ${key}`)
      }
    }
  })

  it('has one memory that its sockets read into', () => {
    assert.equal(memoriesDuring(required), 0)
    assert.ok(memoriesDuring(() => commonjs()) > 0, 'a second copy, which only its path loads, would be noticed')
  })

  it('has one state of diagnostics and one of the tuning of memory', async () => {
    const { serve } = require('twoway/server') as typeof server
    const { WebSocket } = require('twoway') as typeof client
    const opened: unknown[] = []
    const listener = (message: unknown) => opened.push(message)
    subscribe('twoway:open', listener)
    await using untuned = await server.serve({ port: 0, tuneMemory: false, message() {} })
    await using other = await serve({ port: 0, message() {} })
    for (const { url } of [untuned, other]) {
      const socket = new WebSocket(url)
      await once(socket as unknown as EventTarget, 'open')
      socket.close()
    }
    unsubscribe('twoway:open', listener)
    assert.equal(opened.length, 2)
    assert.deepEqual(other.metrics().memoryTuning, untuned.metrics().memoryTuning)
    assert.equal(other.metrics().memoryTuning.on, 0)
  })
})

describe('the CommonJS build, for loaders that cannot require ES modules', () => {
  it('has each class once, whichever entries a program requires', () => {
    const modules = commonjs()
    assert.equal(modules.length, names.length + 2, 'an entry for each, and two for browsers')
    const classes = modules.map(({ UsageError }) => UsageError).filter((each) => each !== undefined)
    assert.ok(classes.length >= 4)
    assert.equal(new Set(classes).size, 1)
  })

  it('has the names of the ES modules, and their functions and classes show the same names', () => {
    const shown = (values: object): [string, string?][] =>
      Object.entries(values)
        .map(([key, value]): [string, string?] => (typeof value === 'function' ? [key, value.name as string] : [key]))
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
    for (const name of names) {
      const file = name === '.' ? 'client' : name.slice(2)
      const entry = require(`../../packages/twoway/dist/commonjs/${file}.cjs`) as object
      assert.deepEqual(shown(entry), shown(imported[name]!))
    }
  })
})

/** The file that a loader with these conditions gets. */
function fileFor(target: string | object, conditions: readonly string[]): string | undefined {
  if (typeof target === 'string') return target
  const found = Object.entries(target).find(([condition, next]) => {
    return (condition === 'default' || conditions.includes(condition)) && fileFor(next, conditions) !== undefined
  })
  return found && fileFor(found[1], conditions)
}

describe('package.json', () => {
  it('gives each loader that can require ES modules one file for import and require', () => {
    const loaders = [
      ['node', 'module-sync'],
      ['bun', 'node'],
      ['deno', 'node', 'module-sync'],
      ['node', 'module'],
      ['browser', 'module'],
    ]
    for (const name of names) {
      for (const conditions of loaders) {
        const [byImport, byRequire] = ['import', 'require'].map((kind) =>
          fileFor(entries[name]!, [...conditions, kind]),
        )
        assert.match(String(byImport), /entries/)
        assert.equal(byRequire, byImport, `${name} with ${conditions}`)
      }
      assert.match(String(fileFor(entries[name]!, ['node', 'require'])), /commonjs/)
    }
  })

  it('has declarations of each entry for the resolution node10, which does not read `exports`', () => {
    const declared = Object.entries(typesVersions['*']).map(([name, files]) => [`./${name}`, files])
    const expected = names
      .filter((name) => name !== '.')
      .map((name) => [name, [`./dist/entries/${name.slice(2)}.d.ts`]])
    assert.deepEqual(declared, expected)
  })
})
