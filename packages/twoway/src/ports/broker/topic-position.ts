/** The position of a message in its topic. */
export interface TopicPosition {
  /** The life of the topic: another one where the topic began anew and its earlier positions mean nothing. */
  readonly epoch: string
  /** 1 for the first message of an epoch, then 2, 3 and so on; 0 before the first message. */
  readonly offset: number
  /** A stamp of the message at this offset; empty at offset 0. Another message at the same offset has another mark. */
  readonly mark: string
}

/** A message of a topic, with the proof of its predecessor. */
export interface TopicMessage<Content> {
  readonly position: TopicPosition
  /** The mark of the message before it; empty for the first message of an epoch. */
  readonly previousMark: string
  readonly content: Content
}

/**
 * The reason why a position can't be resumed:
 *
 * - `expired`: messages after it are gone.
 * - `unknown-epoch`: it belongs to another life of the topic.
 * - `rewound`: the topic has no such message, or another one at that offset: its storage went back in time.
 * - `limit`: more messages were missed than the caller asked for.
 */
export type ResumeFailure = 'expired' | 'unknown-epoch' | 'rewound' | 'limit'

/** The answer to a position: all messages after it, or the reason why they are not whole. */
export type Resumed<Content> =
  | {
      readonly recovered: true
      readonly head: TopicPosition
      readonly messages: readonly TopicMessage<Content>[]
    }
  | { readonly recovered: false; readonly head: TopicPosition; readonly reason: ResumeFailure }

/** The newest messages of a topic, and its head. */
export interface TopicHistory<Content> {
  readonly head: TopicPosition
  readonly messages: readonly TopicMessage<Content>[]
}
