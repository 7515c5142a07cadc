/** `npm run chat`: installs and builds, then runs examples/chat in this process, so that signals and the exit code are its own. */

const { join } = require('node:path')
const { pathToFileURL } = require('node:url')
const { root, setUp } = require('./set-up.cjs')

const main = join(root, 'examples', 'dist', 'chat', 'main.js')

setUp().then(() => {
  const [, , , ...args] = process.argv
  process.argv = [process.execPath, main, ...args]
  return import(pathToFileURL(main).href)
})
