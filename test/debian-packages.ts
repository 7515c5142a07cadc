import { spawnSync } from 'node:child_process'
import process from 'node:process'

/** Installs packages from Debian. `why` says in an error what is missing. */
export function installFromDebian(names: readonly string[], why: string): void {
  console.log(`Installing ${names.join(', ')} from Debian ...`)
  // Another test may install at this moment.
  const command = ['install', '--yes', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...names]
  if (run(['update']) !== 0 || run(command) !== 0) {
    throw new Error(`${why}, and "apt-get ${command.join(' ')}" failed: it takes a Debian, and root`)
  }
}

function run(rest: readonly string[]): number | null {
  // In runlevel 1 Debian's packages start no service, which could take a port.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  return spawnSync('apt-get', rest, { stdio: ['ignore', 'ignore', 'inherit'], env, timeout: 600_000 }).status
}
