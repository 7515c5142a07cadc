import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { fetchChineseFont, fetchChromium } from './debian-chromium.js'

console.log(`Chromium ${fetchChromium()}`)
fetchChineseFont()
const isForImages = process.argv.includes('--images')
const suites = isForImages ? ['playground'] : ['playground', 'echo-settings', 'compression', 'chat']
const files = suites.map((name) => fileURLToPath(new URL(`${name}.js`, import.meta.url)))
const { status } = spawnSync(
  process.execPath,
  // One after another: each file starts a browser, which needs its own core.
  ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files],
  {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...(isForImages && { TWOWAY_IMAGES: 'docs/images' }) },
    timeout: 600_000,
  },
)
process.exitCode = status ?? 1
