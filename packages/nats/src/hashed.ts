import { createHash } from 'node:crypto'

/**
 * The first characters of a hash, six bits each, none of which a header refuses. Entries carry them. A server that stores in files
 * copies its newest entries whenever its buffer for them grows, and answers nothing meanwhile: each character costs latency.
 */
export function hashed(text: string, characters: number): string {
  return createHash('sha256').update(text, 'utf16le').digest('base64url').slice(0, characters)
}
