import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'
import { type Browser, chromium } from 'playwright-core'

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
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: program, args: [...args], timeout: 60_000 })
}

/** Installs Chromium from Debian if it is missing, and returns its version. */
export function fetchChromium(): string {
  if (!existsSync(program)) install('chromium', `there is no ${program}`)
  const { stdout } = spawnSync(program, ['--version', '--no-sandbox'], { encoding: 'utf8', timeout: 60_000 })
  return /[\d.]+/.exec(stdout)?.[0] ?? 'of no version'
}

/** Installs a font with Chinese characters if there is none, because pictures would show empty boxes. */
export function fetchChineseFont(): void {
  const { stdout } = spawnSync('fc-list', [':lang=zh-cn'], { encoding: 'utf8', timeout: 60_000 })
  if (!stdout?.trim()) install('fonts-noto-cjk', 'there is no font for Chinese')
}

function install(name: string, why: string): void {
  console.log(`Installing ${name} from Debian ...`)
  const command = ['install', '--yes', '--no-install-recommends', name]
  if (run(['update']) !== 0 || run(command) !== 0) {
    throw new Error(`${why}, and "apt-get ${command.join(' ')}" failed: it takes a Debian, and root`)
  }
}

function run(rest: readonly string[]): number | null {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync('apt-get', rest, { stdio: ['ignore', 'ignore', 'inherit'], env, timeout: 600_000 }).status
}
