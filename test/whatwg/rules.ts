import { closeRules } from './closing-rules.js'
import { closedRules, dispatchRules, establishedRules, messageRules } from './event-rules.js'
import { closeEventRules, interfaceRules } from './interface-rules.js'
import { constructorRules, handshakeRules } from './opening-rules.js'
import { type Environment, type Rule, Trial } from './rule.js'
import { bufferedAmountRules, sendRules } from './sending-rules.js'

/** The time after which a rule has failed. */
const deadlineMs = 10_000

/** Characters of what is wrong, at most: some of it is a long message. */
const longestComplaint = 200

/** The rules of the standard's interface, each with its test, for any class WebSocket on any runtime. */
export const rules: readonly Rule[] = [
  ...handshakeRules,
  ...interfaceRules,
  ...constructorRules,
  ...closeRules,
  ...bufferedAmountRules,
  ...sendRules,
  ...establishedRules,
  ...messageRules,
  ...closedRules,
  ...closeEventRules,
  ...dispatchRules,
]

/** Whether a rule is for this runtime: what it needs is there. */
export function isApplicable({ needs = [] }: Rule, { capabilities }: Environment): boolean {
  return needs.every((need) => capabilities.has(need))
}

/** Resolves where the rule holds, and rejects with what is wrong where it does not. */
export async function runRule(rule: Rule, environment: Environment): Promise<void> {
  const trial = new Trial(environment)
  let timer: unknown
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('what should happen has not happened')), deadlineMs)
  })
  try {
    await Promise.race([rule.run(trial), deadline])
  } finally {
    clearTimeout(timer as number)
    trial.end()
  }
}

/** The result of a rule on a runtime: 'pass', 'n/a' if the runtime lacks a needed feature, or a description of the failure. */
export type Outcomes = Readonly<Record<string, string>>

/** Runs all rules, one after the other, and tells by id what became of each. */
export async function runRules(environment: Environment): Promise<Outcomes> {
  const outcomes: Record<string, string> = {}
  for (const rule of rules) {
    try {
      if (isApplicable(rule, environment)) await runRule(rule, environment)
      outcomes[rule.id] = isApplicable(rule, environment) ? 'pass' : 'n/a'
    } catch (error) {
      outcomes[rule.id] = (error as Error).message.slice(0, longestComplaint)
    }
  }
  return outcomes
}
