import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A block of code in a document. */
export interface Sample {
  readonly file: string
  /** The line of its first line. */
  readonly line: number
  readonly language: string
  readonly code: string
  /** The file of the repository that it repeats, by the link before it. */
  readonly repeats: string | undefined
}

/** All blocks of code of the documents that git knows, those of the changelog aside. */
export function samplesOf(root: string): readonly Sample[] {
  const { stdout } = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  })
  const files = stdout.split('\n').filter((file) => file !== '' && file !== 'CHANGELOG.md')
  return files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    return [
      ...text.matchAll(/^(?:\[(?<link>[^\]]+)\]\([^)]*\):\n\n)?```(?<language>[^\n]*)\n(?<code>.*?)^```$/gms),
    ].map(({ index, groups, 0: whole }) => ({
      file,
      line: text.slice(0, index + whole.indexOf('```')).split('\n').length + 1,
      language: groups!.language!,
      code: groups!.code!,
      repeats: groups!.link,
    }))
  })
}
