import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline'
import { ownFolder } from '../own-folder.js'

const mostLines = 1000

export interface LineEditorOptions {
  readonly prompt: string
  /** The words that Tab completes at the start of a line. */
  readonly words: readonly string[]
  /** Whether lines are saved for the next run; they may contain secrets. */
  readonly keepsHistory: boolean
  line(text: string): void
  /** Called for Ctrl+C, and for Ctrl+D, the end of the input. */
  stop(): void
}

/** An input line with a history that is saved between runs. Other lines are printed above it. */
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
    // readline redraws its line from as many rows above as the cursor was below the first one.
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

  /** Clears the input line, which may take several rows, and returns the row of the cursor. */
  #clear(): number {
    const { rows } = this.#interface.getCursorPos()
    moveCursor(process.stdout, 0, -rows)
    cursorTo(process.stdout, 0)
    clearScreenDown(process.stdout)
    return rows
  }
}

/** The saved lines, latest first, as readline expects them. */
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
    // The history is optional: a folder that is not writable is no error.
  }
}
