import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { installFromDebian } from '../debian-packages.js'

const program = '/usr/bin/chromium'

/** No sandbox, because it may run as root, and no feature that uses the network. */
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts Debian's Chromium, without a window. */
export function launchChromium(...more: readonly string[]): Promise<Browser> {
  return chromium.launch({ executablePath: program, args: [...args, ...more], timeout: 60_000 })
}

/** Installs Chromium from Debian if it is missing, and returns its version. */
export function fetchChromium(): string {
  if (!existsSync(program)) installFromDebian(['chromium'], `there is no ${program}`)
  const { stdout } = spawnSync(program, ['--version', '--no-sandbox'], { encoding: 'utf8', timeout: 60_000 })
  return /[\d.]+/.exec(stdout)?.[0] ?? 'of no version'
}

/** Installs a font with Chinese characters if there is none, because pictures would show empty boxes. */
export function fetchChineseFont(): void {
  const { stdout } = spawnSync('fc-list', [':lang=zh-cn'], { encoding: 'utf8', timeout: 60_000 })
  if (!stdout?.trim()) installFromDebian(['fonts-noto-cjk'], 'there is no font for Chinese')
}
