/** Imports and requires: the tool that loads this must load the library once. */
import { deepStrictEqual, strictEqual } from 'node:assert'
import { echo } from './echo.cjs'
import * as imported from './imported.mjs'
import required from './required.cjs'

export async function echoOfBoth() {
  for (const [entry, names] of Object.entries(imported)) {
    for (const [name, value] of Object.entries(names)) {
      strictEqual(required[entry][name], value, `${entry} has two of ${name}`)
    }
    deepStrictEqual(
      Object.keys(names).sort(),
      Object.keys(required[entry])
        .filter((name) => !/^_|^module\.exports$/.test(name))
        .sort(),
    )
  }
  return echo({ ...imported, client: required.client }, 'echoed')
}
