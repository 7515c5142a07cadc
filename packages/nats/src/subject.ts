/**
 * A topic or a pattern as part of a NATS subject. Both have the same tokens and wildcards. A lone surrogate has no UTF-8 of its
 * own, so that it is escaped; without that, two topics could share a subject.
 */
export function subjectOf(topic: string): string {
  return topic.replace(/%|\p{Surrogate}/gu, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The topic of a subject that `subjectOf` has made. */
export function topicOf(subject: string): string {
  return subject.replace(/%([0-9a-f]{4})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)))
}
