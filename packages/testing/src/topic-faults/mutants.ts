/**
 * `npm run test:topic-mutants`: breaks one mechanism of the hub or the link at a time, in a copy of the emitted code, and runs
 * the simulation on it. Each mutant must break a promise, or the simulation proves nothing.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const packages = fileURLToPath(new URL('../../../', import.meta.url))
const scratch = join(packages, '..', '.scratch')

/** Text of an emitted file, and the text in its place. */
interface Change {
  readonly file: string
  readonly from: string
  readonly to: string
}

const nodeIgnoresMark: Change = {
  file: 'topics/node-ring.js',
  from: "return known === mark ? this.last(head.offset - offset) : 'rewound'",
  to: 'return this.last(head.offset - offset)',
}
const brokerIgnoresMark: Change = {
  file: 'topics/topic-ring.js',
  from: 'if (kept !== mark)',
  to: 'if (false)',
}
const nodeIgnoresGaps: Change = {
  file: 'topics/node-ring.js',
  from: 'if (epoch !== head.epoch || offset !== head.offset + 1 || message.previousMark !== head.mark)',
  to: 'if (false)',
}
const linkIgnoresGaps: Change = {
  file: 'link/topic-feed.js',
  from: 'if (last && (last[0] !== at[0] || last[2] !== prev))',
  to: 'if (false)',
}

/** The mutants. Where two places check the same thing, one of them alone hides the other's loss. */
const mutants: Readonly<Record<string, readonly Change[]>> = {
  'marks are ignored when a client resumes': [nodeIgnoresMark, brokerIgnoresMark, linkIgnoresGaps],
  'the gap check is off, in the hub and in the link': [nodeIgnoresGaps, linkIgnoresGaps],
  'repeated publishes are stored again': [
    { file: 'topics/memory-broker.js', from: 'if (first !== undefined)', to: 'if (false)' },
  ],
  'a resume is off by one: one message too few': [
    {
      file: 'topics/node-ring.js',
      from: 'this.last(head.offset - offset) :',
      to: 'this.last(Math.max(0, head.offset - offset - 1)) :',
    },
    linkIgnoresGaps,
  ],
  'a resume is off by one: one message too many, and the link takes it': [
    {
      file: 'topics/node-ring.js',
      from: 'this.last(head.offset - offset) :',
      to: 'this.last(head.offset - offset + 1) :',
    },
    {
      file: 'link/topic-feed.js',
      from: 'if (last?.[0] === at[0] && at[1] <= last[1])',
      to: 'if (false)',
    },
    linkIgnoresGaps,
  ],
  'the head of a quiet topic is not compared': [
    { file: 'hub/topics/hub-topic.js', from: 'async check() {', to: 'async check() {\n        return;' },
  ],
  'a lost publish is not repeated': [
    { file: 'link/link.js', from: 'isRepeated: true })', to: 'isRepeated: false })' },
    { file: 'link/questions.js', from: "'the connection was lost', true)", to: "'x', false)" },
  ],
  'a client that fell behind is not caught up': [
    { file: 'hub/topics/subscription.js', from: 'catchUp() {', to: 'catchUp() {\n        this.#missed = undefined;' },
  ],
  'a gap is not told': [
    { file: 'hub/topics/hub-topic.js', from: 'listener.gap(this.name, answer.reason, answer.head);', to: ';' },
    linkIgnoresGaps,
  ],
  'a failed resume is called a success': [
    {
      file: 'hub/session/session-topics.js',
      from: 'recovered: false, reason: resumption.reason',
      to: 'recovered: true',
    },
    linkIgnoresGaps,
  ],
}

mkdirSync(scratch, { recursive: true })
const folder = mkdtempSync(join(scratch, 'topic-mutants-'))
try {
  mkdirSync(join(folder, 'testing'))
  cpSync(join(packages, 'testing', 'dist'), join(folder, 'testing', 'dist'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  symlinkSync(join(packages, '..', 'node_modules'), join(folder, 'node_modules'), 'junction')
  for (const [name, changes] of Object.entries(mutants)) {
    cpSync(join(packages, 'twoway', 'dist'), join(folder, 'twoway', 'dist'), { recursive: true })
    for (const change of changes) apply(change)
    const run = join(folder, 'testing', 'dist', 'topic-faults', 'run.js')
    const { status, stderr } = spawnSync(process.execPath, [run, '--rounds', '400'], { encoding: 'utf8' })
    const isCaught = status === 1 && /^seed \d+ fails/m.test(stderr)
    console.log(
      `${isCaught ? 'caught' : 'NOT CAUGHT'}: ${name}${isCaught ? ` (${stderr.split('\n')[1]!.trim()})` : ''}`,
    )
    if (!isCaught) process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true })
}

function apply({ file, from, to }: Change): void {
  const path = join(folder, 'twoway', 'dist', file)
  const text = readFileSync(path, 'utf8')
  if (!text.includes(from)) throw new Error(`${file} has no text "${from}" any more: write the mutant anew`)
  writeFileSync(path, text.replace(from, to))
}
