import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { fetchChineseFont, fetchChromium } from './debian-chromium.js'

console.log(`Chromium ${fetchChromium()}`)
fetchChineseFont()
const isForImages = process.argv.includes('--images')
const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-reporter=spec', fileURLToPath(new URL('playground.js', import.meta.url))],
  {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...(isForImages && { TWOWAY_IMAGES: 'docs/images' }) },
    timeout: 180_000,
  },
)
process.exitCode = status ?? 1
