import process from 'node:process'

/** The whole number of an option of a test's command. Any other text ends the process: a run of no round at all would pass. */
export function wholeNumber(name: string, text: string, least = 0): number {
  if (/^[0-9]{1,10}$/.test(text) && Number(text) >= least) return Number(text)
  console.error(`--${name} takes a whole number from ${least} on, not ${text}`)
  process.exit(2)
}
