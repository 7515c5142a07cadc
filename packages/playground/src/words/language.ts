export type Language = 'en' | 'zh'

export const languages: readonly Language[] = ['en', 'zh']

/** The first of the reader's languages that the page speaks; English where it speaks none. */
export function preferredLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const [primary] = tag.toLowerCase().split('-')
    const language = languages.find((known) => known === primary)
    if (language) return language
  }
  return 'en'
}
