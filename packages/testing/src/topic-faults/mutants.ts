/**
 * `npm run test:topic-mutants`: breaks one mechanism of the hub or the link at a time, in a copy of the emitted code, and runs
 * the simulation on it. Each mutant must break a promise, or the simulation proves nothing.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import {
  apply,
  brokerIgnoresMark,
  type Change,
  linkIgnoresGaps,
  nodeIgnoresGaps,
  nodeIgnoresMark,
  nodeResumesOneTooFew,
} from './changes.js'

const packages = fileURLToPath(new URL('../../../', import.meta.url))
const scratch = join(packages, '..', '.scratch')

/** The mutants. Where two places check the same thing, one of them alone hides the other's loss. */
const mutants: Readonly<Record<string, readonly Change[]>> = {
  'marks are ignored when a client resumes': [nodeIgnoresMark, brokerIgnoresMark, linkIgnoresGaps],
  'the gap check is off, in the hub and in the link': [nodeIgnoresGaps, linkIgnoresGaps],
  'repeated publishes are stored again': [
    { file: 'topics/memory-broker.js', from: 'if (first !== undefined)', to: 'if (false)' },
  ],
  'a resume is off by one: one message too few': [nodeResumesOneTooFew, linkIgnoresGaps],
  'a resume is off by one: one message too many, and the link takes it': [
    {
      file: 'topics/node-ring.js',
      from: 'this.last(head.offset - offset) :',
      to: 'this.last(head.offset - offset + 1) :',
    },
    {
      file: 'link/topic-feed.js',
      from: 'if (last?.[0] === epoch && offset <= last[1])',
      to: 'if (false)',
    },
    linkIgnoresGaps,
  ],
  'the head of a quiet topic is not compared': [
    { file: 'hub/topics/hub-topic.js', from: 'async check() {', to: 'async check() {\n        return;' },
  ],
  'a lost publish is not repeated': [
    { file: 'link/link.js', from: 'repeat: true', to: 'repeat: false' },
    { file: 'link/questions.js', from: "'lost', why, true)", to: "'lost', why, false)" },
  ],
  'a client that fell behind is not caught up': [
    { file: 'hub/topics/subscription.js', from: 'catchUp() {', to: 'catchUp() {\n        this.#missed = undefined;' },
  ],
  'a gap is not told': [
    { file: 'hub/topics/hub-topic.js', from: 'listener.gap(this.name, answer.reason, answer.head);', to: ';' },
    linkIgnoresGaps,
  ],
  'a client is answered though its process lacks what it has': [
    { file: 'hub/topics/hub-topic.js', from: 'if (isBehind) {', to: 'if (false) {' },
    {
      file: 'hub/topics/hub-topic.js',
      from: 'last.mark === head.mark ?',
      to: '(last.mark === head.mark || last.offset > head.offset) ?',
    },
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
    for (const change of changes) apply(change, join(folder, 'twoway', 'dist'))
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
