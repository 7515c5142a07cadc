import { readFileSync } from 'node:fs'

const read = (name: string): string => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')

/** The configuration in a language of the section with a heading, in a document of the folder docs. */
export function configurationOf(heading: string, language: string, document = 'how-to/deploy.md'): string {
  const section = read(document)
    .split(/\n##+ /)
    .find((each) => each.startsWith(`${heading}\n`))
  const block = section?.split(`\n\`\`\`${language}\n`)[1]?.split('\n```\n')[0]
  if (block === undefined) throw new Error(`docs/${document} has no block of ${language} in the section "${heading}"`)
  return `${block}\n`
}

/** Replaces parts of a configuration. Each must be there, so that the configuration stays as it is otherwise. */
export function replaced(configuration: string, parts: Readonly<Record<string, string>>): string {
  let text = configuration
  for (const [part, other] of Object.entries(parts)) {
    if (!text.includes(part)) throw new Error(`the configuration has no "${part}":\n${configuration}`)
    text = text.replaceAll(part, other)
  }
  return text
}
