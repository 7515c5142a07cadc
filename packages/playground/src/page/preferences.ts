import { computed, effect, signal } from '@preact/signals'
import { chinese } from '../words/chinese.js'
import { english, type Words } from '../words/english.js'
import { type Language, languages, preferredLanguage } from '../words/language.js'

export type Theme = 'system' | 'light' | 'dark'

export const themes: readonly Theme[] = ['system', 'light', 'dark']

const tables: Readonly<Record<Language, Words>> = { en: english, zh: chinese }

export const language = signal(stored('language', languages) ?? preferredLanguage(navigator.languages))
export const theme = signal(stored('theme', themes) ?? 'system')
/** The part of the page that is shown. */
export const view = signal<'echo' | 'topics'>(location.hash === '#topics' ? 'topics' : 'echo')
export const words = computed(() => tables[language.value])

/** Whether the page is dark now, by the user's choice or the system's. */
export const isDark = computed(() => (theme.value === 'system' ? systemIsDark.value : theme.value === 'dark'))

const query = matchMedia('(prefers-color-scheme: dark)')
const systemIsDark = signal(query.matches)
query.addEventListener('change', ({ matches }) => {
  systemIsDark.value = matches
})

effect(() => {
  document.documentElement.lang = language.value === 'zh' ? 'zh-Hans' : 'en'
  document.title = words.value.title
  store('language', language.value)
})

effect(() => {
  document.documentElement.dataset.theme = theme.value
  store('theme', theme.value)
})

/** A browser may forbid storage; then a choice lasts as long as the page. */
function stored<Value extends string>(key: string, values: readonly Value[]): Value | undefined {
  try {
    const value = localStorage.getItem(`twoway.${key}`)
    return values.find((known) => known === value)
  } catch {
    return undefined
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(`twoway.${key}`, value)
  } catch {
    // See above.
  }
}
