/**
 * `npm run test:broker-mutants [-- nats redis ...]`: breaks one mechanism of the hub, the link or the broker at a time, in a copy of
 * the emitted code, and runs the fault suite on it. Each mutant must break a promise, or the suite proves nothing.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import {
  apply,
  type Change,
  linkIgnoresGaps,
  nodeIgnoresGaps,
  nodeIgnoresMark,
  nodeResumesOneTooFew,
} from 'twoway-testing/topic-faults/changes.js'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const rounds = 200
/** The mutant that only rounds with an older copy of the data can catch. */
const ofMarks = 'marks are ignored'

const inLibrary = (change: Change): Change => ({ ...change, file: `packages/twoway/dist/${change.file}` })

/** The hub ignores that the connection to the broker was lost, so that only its own check finds gaps. */
const hubIgnoresReturns: Change = {
  file: 'hub/topics/hub-topic.js',
  from: 'returned: () => this.#returned()',
  to: 'returned: () => undefined',
}
const hubIgnoresMark: Change = {
  file: 'hub/topics/hub-topic.js',
  from: 'head.mark === ours.mark',
  to: 'true',
}

/** The mechanisms that are broken, by the packages that contain them. */
const ofBroker: Readonly<Record<'nats' | 'redis', Readonly<Record<'marks' | 'dedupe', readonly Change[]>>>> = {
  nats: {
    marks: [
      { file: 'packages/nats/dist/stream/chain.js', from: '&& previousMark === mark', to: '' },
      { file: 'packages/nats/dist/nats-topic.js', from: 'mark === head.mark ?', to: 'true ?' },
    ],
    dedupe: [{ file: 'packages/nats/dist/publisher.js', from: "fields['Nats-Msg-Id'] = messageId;", to: '' }],
  },
  redis: {
    marks: [
      { file: 'packages/redis/dist/history.js', from: 'mark === head.mark ?', to: 'true ?' },
      { file: 'packages/redis/dist/history.js', from: 'messages[next].previousMark !== mark', to: 'false' },
    ],
    dedupe: [
      { file: 'packages/redis/dist/publishing/scripts.js', from: 'if stored then return stored end', to: '' },
      {
        file: 'packages/redis/dist/publishing/scripts.js',
        from: "known[id] = redis.call('GET', id)",
        to: 'known[id] = false',
      },
    ],
  },
}

function mutantsOf(broker: string): Readonly<Record<string, readonly Change[]>> {
  const { marks, dedupe } = ofBroker[broker.startsWith('nats') ? 'nats' : 'redis']
  return {
    [ofMarks]: [...[nodeIgnoresMark, linkIgnoresGaps, hubIgnoresMark].map(inLibrary), ...marks],
    'the gap check is off': [nodeIgnoresGaps, linkIgnoresGaps, hubIgnoresReturns].map(inLibrary),
    'repeated publishes are stored again': dedupe,
    'a resume is off by one': [nodeResumesOneTooFew, linkIgnoresGaps].map(inLibrary),
  }
}

/** A copy of the packages whose code is changed, found by the names of the packages. */
function copyTo(folder: string): void {
  mkdirSync(join(folder, 'node_modules', '@twoway'), { recursive: true })
  for (const [name, path] of [
    ['twoway', 'packages/twoway'],
    ['twoway-testing', 'packages/testing'],
    ['@twoway/nats', 'packages/nats'],
    ['@twoway/redis', 'packages/redis'],
  ] as const) {
    for (const part of ['dist', 'package.json'])
      cpSync(join(root, path, part), join(folder, path, part), { recursive: true })
    symlinkSync(join(folder, path), join(folder, 'node_modules', name), 'junction')
  }
  cpSync(join(root, 'test', 'dist'), join(folder, 'test', 'dist'), { recursive: true })
  cpSync(join(root, 'test', 'package.json'), join(folder, 'test', 'package.json'))
  mkdirSync(join(folder, '.scratch'))
  symlinkSync(join(root, '.scratch', 'brokers'), join(folder, '.scratch', 'brokers'), 'junction')
}

const scratch = join(root, '.scratch')
mkdirSync(scratch, { recursive: true })
const named = process.argv.slice(2)
for (const broker of named.length > 0 ? named : ['nats', 'redis']) {
  for (const [name, changes] of Object.entries(mutantsOf(broker))) {
    const folder = mkdtempSync(join(scratch, 'broker-mutants-'))
    try {
      copyTo(folder)
      for (const change of changes) apply(change, folder)
      const run = join(folder, 'test', 'dist', 'brokers', 'faults', 'run.js')
      const restores = name === ofMarks ? '1' : '15'
      const args = ['--broker', broker, '--rounds', String(rounds), '--systems', '2', '--restores', restores]
      const { status, stderr } = spawnSync(process.execPath, [run, ...args], { encoding: 'utf8' })
      const [, seed] = /^seed (\d+) fails/m.exec(stderr) ?? []
      const isCaught = status === 1 && seed !== undefined
      const how = isCaught ? ` (seed ${seed}: ${stderr.split('\n')[1]!.trim()})` : ''
      console.log(`${broker}, ${isCaught ? 'caught' : 'NOT CAUGHT'}: ${name}${how}`)
      if (!isCaught) process.exitCode = 1
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}
