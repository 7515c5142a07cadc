/** A URL for display and logs: without its user and password. */
export function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) return url
  const shown = new URL(url)
  if (shown.username === '' && shown.password === '') return url
  shown.username = ''
  shown.password = ''
  return shown.href
}
