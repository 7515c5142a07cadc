import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline'
import { ownFolder } from '../own-folder.js'

const mostLines = 1000

export interface LineEditorOptions {
  readonly prompt: string
  /** The words that Tab completes at the start of a line. */
  readonly words: readonly string[]
  /** Whether lines are kept for the next time; they may hold secrets. */
  readonly keepsHistory: boolean
  line(text: string): void
  /** Ctrl+C, or the end of the input by Ctrl+D. */
  stop(): void
}

/** A line that is typed while others are printed above it, with a history that outlasts the command. */
export class LineEditor {
  readonly #interface: Interface
  readonly #keepsHistory: boolean
  #history: string[] = []
  #isClosed = false

  constructor({ prompt, words, keepsHistory, line, stop }: LineEditorOptions) {
    this.#keepsHistory = keepsHistory
    const history = keepsHistory ? readHistory() : []
    this.#interface = createInterface({
      input: process.stdin,
      output: process.stdout,
      terminal: true,
      prompt,
      history,
      historySize: mostLines,
      removeHistoryDuplicates: true,
      completer: (text: string) => [words.filter((word) => word.startsWith(text)), text],
    })
    this.#interface.on('history', (lines: string[]) => {
      this.#history = [...lines]
    })
    this.#interface.on('line', (text) => {
      line(text)
      if (!this.#isClosed) this.#interface.prompt()
    })
    this.#interface.on('SIGINT', stop)
    this.#interface.on('close', () => {
      if (!this.#isClosed) stop()
    })
    this.#interface.prompt()
  }

  /** Prints above the line that is being typed. */
  print(text: string): void {
    if (this.#isClosed) {
      console.log(text)
      return
    }
    const rows = this.#clear()
    // The interface draws its line anew from as many rows above as the cursor was below the first.
    console.log(text + '\n'.repeat(rows))
    this.#interface.prompt(true)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#clear()
    this.#interface.close()
    process.stdin.unref()
    if (this.#keepsHistory && this.#history.length > 0) writeHistory(this.#history)
  }

  /** Clears what is being typed, which may take several rows, and returns in which of them the cursor was. */
  #clear(): number {
    const { rows } = this.#interface.getCursorPos()
    moveCursor(process.stdout, 0, -rows)
    cursorTo(process.stdout, 0)
    clearScreenDown(process.stdout)
    return rows
  }
}

/** The latest first, as readline has them. */
function readHistory(): string[] {
  try {
    return readFileSync(join(ownFolder(), 'history'), 'utf8').split('\n').filter(Boolean).reverse()
  } catch {
    return []
  }
}

function writeHistory(lines: readonly string[]): void {
  try {
    const text = lines.toReversed().map((line) => `${line}\n`)
    writeFileSync(join(ownFolder(), 'history'), text.join(''), { mode: 0o600 })
  } catch {
    // A folder that can't be written to is no reason to fail.
  }
}
