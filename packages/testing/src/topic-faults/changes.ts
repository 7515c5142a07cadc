import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Text of an emitted file of the library, and the text in its place. */
export interface Change {
  readonly file: string
  readonly from: string
  readonly to: string
}

export const nodeIgnoresMark: Change = {
  file: 'topics/node-ring.js',
  from: "return known === mark ? this.last(head.offset - offset) : 'rewound'",
  to: 'return this.last(head.offset - offset)',
}
export const brokerIgnoresMark: Change = {
  file: 'topics/topic-ring.js',
  from: 'if (kept !== mark)',
  to: 'if (false)',
}
export const nodeIgnoresGaps: Change = {
  file: 'topics/node-ring.js',
  from: 'if (epoch !== head.epoch || offset !== head.offset + 1 || message.previousMark !== head.mark)',
  to: 'if (false)',
}
export const linkIgnoresGaps: Change = {
  file: 'link/topic-feed.js',
  from: 'if (last && (last[0] !== epoch || last[2] !== prev))',
  to: 'if (false)',
}

/** Resumes with one message too few. */
export const nodeResumesOneTooFew: Change = {
  file: 'topics/node-ring.js',
  from: 'this.last(head.offset - offset) :',
  to: 'this.last(Math.max(0, head.offset - offset - 1)) :',
}

/** Changes a file under a folder. Throws if the text is not there. */
export function apply({ file, from, to }: Change, folder: string): void {
  const path = join(folder, file)
  const text = readFileSync(path, 'utf8')
  if (!text.includes(from)) throw new Error(`${file} has no text "${from}" any more: write the mutant anew`)
  writeFileSync(path, text.replace(from, to))
}
