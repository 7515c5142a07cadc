const all = ['room.1', 'room.2', 'room.3'] as const

export { all as topics }

/** The topics of a link: two of three. */
export function topicsOf(link: number): readonly string[] {
  return [all[link % all.length]!, all[(link + 1) % all.length]!]
}
