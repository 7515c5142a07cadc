/** A URL for a log: without user and password. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([^/]*\/\/)[^/?#]*@/, '$1')
}
