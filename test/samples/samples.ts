/**
 * `npm run test:samples`: extracts each block of code of the documents and tries it. TypeScript is compiled against the types of the
 * packages, and so are the members that the prose names, such as `server.url`; JavaScript and JSON are parsed; shell commands are
 * parsed, and their npm scripts, options of `twoway` and files must exist. `npm run test:site` runs the live examples, `npm run test:proxies` the configurations of proxies.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compile } from './compile.js'
import { mentionsOf, samplesOf } from './samples-of.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const samples = samplesOf(root)
const inLanguages = (...languages: readonly string[]) =>
  samples.filter(({ language }) => languages.includes(language.split(' ')[0]!))

/** Languages of blocks that show no code of ours, or that another command tries. */
const others = ['', 'text', 'http', 'caddy', 'haproxy', 'nginx', 'ini', 'yaml', 'html']

describe('the samples of the documents', () => {
  it('are in languages that are tried', () => {
    const tried = ['ts', 'tsx', 'js', 'json', 'sh']
    const unknown = samples.filter(({ language }) => ![...tried, ...others].includes(language.split(' ')[0]!))
    assert.deepEqual(
      unknown.map(({ file, line, language }) => `${file}:${line} ${language}`),
      [],
    )
  })

  it('compile', () => {
    const programs = inLanguages('ts', 'tsx', 'js').filter(({ repeats }) => repeats === undefined)
    assert.ok(programs.length > 50)
    const faults = [...compile(programs, root)].map(([place, messages]) => `${place}: ${messages.join('; ')}`)
    assert.equal(faults.join('\n'), '')
  })

  it('stand among prose that names members which exist', () => {
    const mentions = mentionsOf(root)
    assert.ok(mentions.length > 100)
    const faults = [...compile(mentions, root)].map(([place, messages]) => `${place}: ${messages.join('; ')}`)
    assert.equal(faults.join('\n'), '')
  })

  it('repeat the files that they link to', () => {
    for (const { file, line, repeats, code } of samples) {
      if (repeats !== undefined) assert.equal(code, readFileSync(join(root, repeats), 'utf8'), `${file}:${line}`)
    }
  })

  it('are JSON where they say so', () => {
    for (const { file, line, code } of inLanguages('json')) {
      assert.doesNotThrow(() => JSON.parse(code) as unknown, `${file}:${line}`)
    }
  })

  it('are commands that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>
    }
    for (const { file, line, code } of inLanguages('sh')) {
      const place = `${file}:${line}`
      const { status, stderr } = spawnSync('sh', ['-n'], { input: code, encoding: 'utf8' })
      assert.equal(status, 0, `${place}: ${stderr}`)
      for (const [, name] of code.matchAll(/\bnpm (?:run )?(?!run\b)([\w:-]+)/g)) {
        const isOfNpm = ['install', 'ci', 'exec', 'init', 'view', 'create'].includes(name!)
        assert.ok(isOfNpm || name! in scripts || file.startsWith('examples/'), `${place}: npm has no script ${name}`)
      }
      for (const [, command, rest] of code.matchAll(
        /(?:twoway|@twoway\/cli) (echo|connect|listen|bench)\b([^\n|<#]*)/g,
      )) {
        const help = helpOf(command!)
        for (const [option] of rest!.matchAll(/(?<= )--?[a-z][a-z-]*/g)) {
          assert.ok(
            new RegExp(`(?:^|[ ,])${option}\\b`, 'm').test(help),
            `${place}: twoway ${command} has no ${option}`,
          )
        }
      }
      for (const [path] of code.matchAll(/(?<= )examples\/[\w/.-]+/g)) {
        assert.ok(existsSync(join(root, path)), `${place}: there is no ${path}`)
      }
    }
  })
})

const helps = new Map<string, string>()

function helpOf(command: string): string {
  let help = helps.get(command)
  if (help === undefined) {
    const main = join(root, 'packages', 'cli', 'bin', 'twoway.js')
    help = spawnSync(process.execPath, [main, command, '--help'], { encoding: 'utf8' }).stdout
    helps.set(command, help)
  }
  return help
}
