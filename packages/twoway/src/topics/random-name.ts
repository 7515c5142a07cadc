import type { Random } from '../ports/random.js'

const hexadecimal = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** A name of random bytes, in hexadecimal digits. With 8 bytes, two of them are the same less than once in 10^19. */
export function randomName(random: Random, length = 8): string {
  const bytes = random.bytes(length)
  let name = ''
  for (let at = 0; at < length; at += 1) name += hexadecimal[bytes[at]!]
  return name
}
