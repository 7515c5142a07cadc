import type { Language } from './words/language.js'

const locales: Readonly<Record<Language, string>> = { en: 'en-GB', zh: 'zh-CN' }

const sizeUnits = ['B', 'kB', 'MB', 'GB'] as const

/** A number of bytes with three digits and a decimal unit. */
export function formatSize(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(sizeUnits.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${power === 0 ? value : Number(value.toPrecision(3))} ${sizeUnits[power]}`
}

/** A whole number with the thousands separators of the language. */
export function formatCount(count: number, language: Language): string {
  return new Intl.NumberFormat(locales[language]).format(count)
}

/** A duration in milliseconds, or in seconds if it is a second or longer. */
export function formatDuration(ms: number): string {
  if (ms >= 1000) return `${Number((ms / 1000).toPrecision(3))} s`
  return `${ms >= 100 ? Math.round(ms) : Number(ms.toPrecision(2))} ms`
}

/** The time of day with milliseconds; `at` is in milliseconds since 1970. */
export function formatTime(at: number): string {
  const date = new Date(at)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`
}
