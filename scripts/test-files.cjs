const { existsSync, readdirSync } = require('node:fs')
const { basename, join, relative } = require('node:path')
const { root } = require('./set-up.cjs')

/**
 * The compiled form of each `*.test.ts` whose path from the root contains one of the words; of each if there are no words. The
 * `*.long.test.ts`, which start many processes, have to be meant by their own names: `npm run test:long` has all of them.
 * Throws if no file matches, or if no tsconfig compiles one of them.
 * @param {readonly string[]} words
 * @returns {string[]}
 */
function testFiles(words) {
  // From the sources, so that output of deleted tests is not run.
  const chosen = sourceFolders()
    .flatMap((folder) => testsIn(folder.source).map((file) => ({ ...folder, file })))
    .filter(({ file }) =>
      words.length === 0 ? !isLong(file) : words.some((word) => isMeant(relative(root, file), word)),
    )
  if (chosen.length === 0) throw new Error(`No test file has ${words.join(' or ')} in its path.`)

  return chosen.map(({ source, output, file }) => {
    const compiled = join(output, relative(source, file)).replace(/\.ts$/, '.js')
    if (!existsSync(compiled)) throw new Error(`No tsconfig compiles ${relative(root, file)}.`)
    return relative(root, compiled)
  })
}

/** @param {string} file */
function isLong(file) {
  return file.endsWith('.long.test.ts')
}

/**
 * @param {string} path
 * @param {string} word
 */
function isMeant(path, word) {
  return path.includes(word) && (!isLong(path) || basename(path).includes(basename(word)))
}

/** The folders of tests, and the folders of their compiled form. */
function sourceFolders() {
  const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name))
  return [
    ...packages.map((folder) => ({ source: join(folder, 'src'), output: join(folder, 'dist') })),
    { source: join(root, 'bench', 'src'), output: join(root, 'bench', 'dist') },
    ...['test', 'examples'].map((name) => ({ source: join(root, name), output: join(root, name, 'dist') })),
  ].filter(({ source }) => existsSync(source))
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function testsIn(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : testsIn(path)
      return entry.name.endsWith('.test.ts') ? [path] : []
    })
    .sort()
}

module.exports = { testFiles }
