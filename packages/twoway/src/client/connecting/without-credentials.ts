/** A URL for a log, which is no place for a user and a password. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([^/]*\/\/)[^/?#]*@/, '$1')
}
