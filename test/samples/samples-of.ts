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

/** The documents that git knows, but for the changelog. */
function documentsOf(root: string): readonly string[] {
  const { stdout } = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  })
  return stdout.split('\n').filter((file) => file !== '' && file !== 'CHANGELOG.md')
}

/** The types of the names by which the prose of documents calls our objects. A socket is one of a server or of a client. */
const typesOfSubjects: Readonly<Record<string, string>> = {
  hub: "import('twoway/hub').Hub",
  link: "import('twoway/link').Link",
  request: "import('twoway/server').IncomingRequest",
  server: "import('twoway/server').Server",
  socket: "import('twoway/server').ServerSocket & import('twoway').WebSocket",
  upgrades: "import('twoway/server').Upgrader",
  workers: "import('twoway/workers').Workers",
}

/**
 * The members that documents name in their prose, such as `server.url`, each as a sample that reads it. The pages about moving
 * from other libraries are left out: they name members of those.
 */
export function mentionsOf(root: string): readonly Sample[] {
  const name = new RegExp(`(?<![\\w./-])(${Object.keys(typesOfSubjects).join('|')})\\.([a-z]\\w*)`, 'g')
  return documentsOf(root)
    .filter((file) => /^(?:README|SECURITY|docs\/)/.test(file) && !/\/(?:migrate|ws|socket\.?io)\.md$/.test(file))
    .flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8').replaceAll(/^```.*?^```/gms, (block) =>
        block.replace(/[^\n]/g, ''),
      )
      return [...text.matchAll(/`([^`\n]+)`/g)].flatMap(({ index, 1: code = '' }) =>
        [...code.matchAll(name)]
          .filter(([whole]) => !/\.m?[jt]s$/.test(whole))
          .map(([, subject, member]) => ({
            file,
            line: text.slice(0, index).split('\n').length,
            language: 'ts',
            code: `declare const ${subject}: ${typesOfSubjects[subject!]}\nvoid ${subject}.${member}\n`,
            repeats: undefined,
          })),
      )
    })
}

/** All blocks of code of the documents. */
export function samplesOf(root: string): readonly Sample[] {
  return documentsOf(root).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    return [
      ...text.matchAll(/^(?:\[(?<link>[^\]]+)\]\([^)]*\)[:：]\n\n)?```(?<language>[^\n]*)\n(?<code>.*?)^```$/gms),
    ].map(({ index, groups, 0: whole }) => ({
      file,
      line: text.slice(0, index + whole.indexOf('```')).split('\n').length + 1,
      language: groups!.language!,
      code: groups!.code!,
      repeats: groups!.link,
    }))
  })
}
