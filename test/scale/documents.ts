import { readFileSync, writeFileSync } from 'node:fs'
import type { Service } from './calculation.js'
import { readFigures } from './figures.js'
import { type Language, tablesOf } from './tables.js'

/** The service of the documents. */
export const documented: Omit<Service, 'routing'> = {
  connections: 1_000_000,
  nodes: 50,
  topicsPerClient: 5,
  clientsPerTopic: 50,
  publishEverySeconds: 60,
  presence: true,
}

export const documents: Readonly<Record<Language, URL>> = {
  en: new URL('../../../docs/how-to/scale.md', import.meta.url),
  zh: new URL('../../../docs/zh/how-to/scale.md', import.meta.url),
}

const begin = '<!-- Written by `npm run calculate:scale -- --write`. -->\n'
const end = '<!-- End of the calculation. -->\n'

/** A document with the tables of the figures that are there. */
export function withTables(language: Language): string {
  const text = readFileSync(documents[language], 'utf8')
  const [start, stop] = [text.indexOf(begin), text.indexOf(end)]
  if (start < 0 || stop < start) throw new Error(`${documents[language].pathname} has no place for the calculation`)
  return `${text.slice(0, start + begin.length)}\n${tablesOf(documented, readFigures(), language)}\n${text.slice(stop)}`
}

export function writeDocuments(): void {
  for (const language of Object.keys(documents) as Language[]) writeFileSync(documents[language], withTables(language))
}
