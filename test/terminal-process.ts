import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

const main = fileURLToPath(new URL('dist/main.js', import.meta.resolve('@twoway/cli/package.json')))

/** The reason why there is no pseudo-terminal here, or undefined if there is one. */
export function noTerminalBecause(): string | undefined {
  const { status, stdout } = spawnSync('script', ['--version'], { encoding: 'utf8' })
  return status === 0 && stdout.includes('util-linux') ? undefined : 'there is no script of util-linux here'
}

/** The command `twoway` in a terminal, as a person uses it. */
export class TerminalProcess {
  readonly child: ChildProcess
  /** The exit code. */
  readonly ended: Promise<number | null>
  /** The output to the terminal, including control sequences. */
  output = ''
  #wake: () => void = () => {}

  /** `redirect` has the shell feed or pipe the command: `COMMAND < /dev/null`. */
  constructor(args: readonly string[], env: Readonly<Record<string, string>>, redirect = 'COMMAND') {
    const words = [process.execPath, main, ...args].map((word) => `'${word}'`).join(' ')
    const command = redirect.replace('COMMAND', () => words)
    this.child = spawn('script', ['-qec', `stty cols 200; ${command}`, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, TERM: 'xterm', ...env },
    })
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.output += text
      this.#wake()
    })
    this.ended = once(this.child, 'close').then(([code]) => {
      this.#wake()
      return code as number | null
    })
  }

  /** The output without control sequences. */
  get text(): string {
    return stripVTControlCharacters(this.output)
  }

  type(keys: string): void {
    this.child.stdin!.write(keys)
  }

  /** Resolves with the match once the output contains it. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.text)
      if (found !== null) return found
      if (this.child.exitCode !== null) throw new Error(`it ended without ${pattern}: ${this.text}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
  }
}
