import { printable } from 'twoway'

/** Options whose values may be secrets. */
const secretive = /--(?:header|proxy|subprotocol|key)\b/

/**
 * Turns commander's error about invalid arguments into one line in the form of our own errors. It repeats a refused
 * argument only as far as it can't be a secret.
 */
export function usageComplaint(text: string, command: string): string {
  const sentence = text
    .trim()
    .replace(/^error: /, '')
    .replace(/^(option '[^']*') argument '(.*)' is invalid\./s, (_, option: string, value: string) => {
      const isShown = !secretive.test(option) && /^[\w.,+-]{1,8}$/.test(value)
      return `${option} argument ${isShown ? `'${value}' ` : ''}is invalid.`
    })
    .replace(/^unknown option '(--[\w-]{1,30}|-\w)?(.*?)'(?=$|\n)/s, (_, name = '', rest: string) => {
      return name === '' ? 'unknown option' : `unknown option '${name}${rest === '' ? '' : '…'}'`
    })
    .replace(/^unknown command '(.*)'(?=$|\n)/s, (whole, name: string) =>
      /^[a-z-]{1,20}$/.test(name) ? whole : 'unknown command',
    )
    .replace('. Expected', ': expected')
    .replace(/\s+/g, ' ')
  const shown = printable(sentence, { as: 'sentence' })
  return `twoway: ${shown.endsWith('?)') ? shown : `${shown.replace(/\.$/, '')}; see ${command} --help.`}`
}
