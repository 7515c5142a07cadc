const { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')

const folder = join(__dirname, '..', '.scratch')
const turnFile = join(folder, 'set-up.turn')

/** The interval at which the holder renews its lock, and the silence after which the lock is stale. */
const showMs = 1000
const goneMs = 10_000

/**
 * Waits until no other process installs or builds this checkout: `npm start` and `npm test` together would overwrite
 * each other's files. Resolves with a function that ends the turn.
 *
 * @returns {Promise<() => void>}
 */
async function takeTurn() {
  mkdirSync(folder, { recursive: true })
  for (let isFirst = true; !isTaken(); isFirst = false) {
    if (isFirst) console.log('Waiting for another set-up of this checkout to end ...')
    await sleep(100)
  }

  const showing = setInterval(() => utimesSync(turnFile, new Date(), new Date()), showMs)
  const leaveTurn = () => {
    clearInterval(showing)
    process.off('exit', leaveTurn)
    rmSync(turnFile, { force: true })
  }
  process.once('exit', leaveTurn)
  return leaveTurn
}

/** Tries to take the lock, and returns whether it succeeded. A holder that died leaves its file behind. */
function isTaken() {
  if (isHolderGone()) rmSync(turnFile, { force: true })
  try {
    writeFileSync(turnFile, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false
    throw error
  }
}

function isHolderGone() {
  try {
    if (Date.now() - statSync(turnFile).mtimeMs > goneMs) return true
    process.kill(Number(readFileSync(turnFile, 'utf8')), 0)
    return false
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH'
  }
}

module.exports = { takeTurn }
