import { CommandFailure } from '../command-failure.js'
import { binaryForms } from '../talk/binary-form.js'
import type { Conversation } from './conversation.js'

interface SlashCommand {
  readonly form: string
  readonly does: string
  run(conversation: Conversation, rest: string): void
}

/** The commands that a line may contain instead of a message. */
export const slashCommands: { readonly [name: string]: SlashCommand } = {
  '/ping': {
    form: '/ping',
    does: 'send a Ping and measure the round trip',
    run(conversation) {
      if (!conversation.isOpen) throw new CommandFailure('not connected: there is no server to ping')
      void conversation.ping()
    },
  },
  '/close': {
    form: '/close [CODE [REASON]]',
    does: 'close with 1000, or with a code from 3000 to 4999',
    run(conversation, rest) {
      const [, code = '', reason = ''] = /^(\d*)\s*(.*)$/.exec(rest) ?? []
      try {
        conversation.close(code === '' ? 1000 : Number(code), reason)
      } catch (error) {
        throw new CommandFailure((error as Error).message)
      }
    },
  },
  ...Object.fromEntries(
    Object.entries({ hex: 'BYTES', base64: 'BYTES', file: 'PATH' } as const).map(([name, takes]) => [
      `/${name}`,
      {
        form: `/${name} ${takes}`,
        does: name === 'file' ? 'send a file as a binary message' : `send ${name} as a binary message`,
        run: (conversation: Conversation, rest: string) =>
          void conversation.send(binaryForms[name as keyof typeof binaryForms].parse(rest)),
      },
    ]),
  ),
}

/** The text of /help. */
export function slashHelp(): string {
  const rows = [
    ...Object.values(slashCommands),
    { form: '/help', does: 'print this help' },
    { form: '//text', does: 'send /text' },
  ]
  return [
    ...rows.map(({ form, does }) => `  ${form.padEnd(24)}${does}`),
    '  Ctrl+C or Ctrl+D closes; press Ctrl+C again to exit at once',
  ].join('\n')
}
