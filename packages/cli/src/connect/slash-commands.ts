import { CommandFailure } from '../command-failure.js'
import { binaryForms } from '../talk/binary-form.js'
import type { Conversation } from './conversation.js'

interface SlashCommand {
  readonly form: string
  readonly does: string
  run(conversation: Conversation, rest: string): void
}

/** What a line may ask for in place of being sent. */
export const slashCommands: { readonly [name: string]: SlashCommand } = {
  '/ping': {
    form: '/ping',
    does: 'send a Ping and time its Pong',
    run(conversation) {
      if (!conversation.isOpen) throw new CommandFailure('there is no connection to ping')
      void conversation.ping()
    },
  },
  '/close': {
    form: '/close [CODE [REASON]]',
    does: 'close, with 1000 or a code from 3000 to 4999',
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
        does: name === 'file' ? 'send the content of a file as binary' : `send bytes in ${name} as binary`,
        run: (conversation: Conversation, rest: string) =>
          void conversation.send(binaryForms[name as keyof typeof binaryForms].parse(rest)),
      },
    ]),
  ),
}

/** What /help prints. */
export function slashHelp(): string {
  const rows = [
    ...Object.values(slashCommands),
    { form: '/help', does: 'print this' },
    { form: '//text', does: 'send /text' },
  ]
  return [
    ...rows.map(({ form, does }) => `  ${form.padEnd(24)}${does}`),
    '  Ctrl+C or Ctrl+D closes; Ctrl+C again ends at once',
  ].join('\n')
}
