/**
 * A topic or pattern as part of a key or channel. Braces would end the part that decides the slot. A lone surrogate has no UTF-8,
 * so that two topics could share a key.
 */
export function keyOf(topic: string): string {
  return topic.replace(/[%{}]|\p{Surrogate}/gu, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The topic of a text that `keyOf` has made. */
export function topicOfKey(key: string): string {
  return key.replace(/%([0-9a-f]{4})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/** A pattern of Redis that matches the channels of a topic pattern, and more: its * matches dots too. */
export function globOf(prefix: string, pattern: string): string {
  return `${escapeGlob(prefix)}${escapeGlob(keyOf(pattern)).replaceAll('\\*', '*').replaceAll('>', '*')}`
}

function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\^-]/g, '\\$&')
}
