const { mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { join, sep } = require('node:path')
const { pathToFileURL } = require('node:url')
const { root } = require('./set-up.cjs')

/** The room of a test: a package, a part of the library, or another folder. */
const roomOf = /^(?:packages\/(?:twoway\/dist\/)?)?([^/]+)/

/**
 * Signs of a test that needs a process of its own, as it changes or measures what others share, starts processes, or has hooks
 * outside a `describe`, which would be those of all tests of the process.
 */
const needsProcess = [
  /\bprocess\.(?!cwd|execPath|nextTick|pid|platform|version)/,
  /\bglobalThis\b|\bgc\b|\bmock\b|\bObject\.prototype\.\w+ =/,
  /^(?:before|after)(?:Each)?\(/m,
  /node:(?:child_process|cluster|diagnostics_channel|perf_hooks|v8|worker_threads)/,
]

/** The most files of a process: the runner's time limit is for a process, and a core should not wait for a long one. */
const mostFiles = 16

/**
 * Joins the compiled tests of a room, for Node starts a process for each file that it is given: most of the time of a short
 * test is the start of that process and the loading of modules. Long tests stay alone. Returns the files to run, those that import others first, and a
 * function that removes these.
 * @param {readonly string[]} files Paths from the root.
 * @returns {{ files: string[], remove: () => void }}
 */
function joinTests(files) {
  /** @type {Map<string, string[]>} */
  const rooms = new Map()
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8')
    const isAlone = file.includes('.long.test.') || needsProcess.some((sign) => sign.test(text))
    const name = isAlone ? file : /** @type {RegExpExecArray} */ (roomOf.exec(file.split(sep).join('/')))[1]
    rooms.set(name, [...(rooms.get(name) ?? []), file])
  }

  const folder = join(root, '.scratch', 'tests', String(process.pid))
  mkdirSync(folder, { recursive: true })
  const indexes = []
  const others = []
  for (const [name, members] of rooms) {
    const parts = Math.ceil(members.length / mostFiles)
    for (let part = 0; part < parts; part++) {
      // Every so many, so that the parts take about as long.
      const chosen = members.filter((_, at) => at % parts === part)
      if (chosen.length === 1) {
        others.push(...chosen)
        continue
      }
      const imports = chosen.map((file) => `import ${JSON.stringify(pathToFileURL(join(root, file)).href)}\n`)
      const index = join(folder, `${name}-${part + 1}.mjs`)
      writeFileSync(index, imports.join(''))
      indexes.push(index)
    }
  }
  return { files: [...indexes, ...others], remove: () => rmSync(folder, { recursive: true, force: true }) }
}

module.exports = { joinTests }
