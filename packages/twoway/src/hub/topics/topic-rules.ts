import { UsageError } from '../../core/errors.js'
import { callable, either, flag, matching } from '../../core/options/check.js'
import { option } from '../../core/options/option.js'
import { settleOptions } from '../../core/options/settle-options.js'
import { faultOfPattern, matches } from '../../topics/topic-name.js'
import type { TopicRule } from '../hub-types.js'
import type { StandardSchema } from '../schema.js'

const permission = option(either(flag(), callable()))

const isSchema = (value: unknown): boolean =>
  typeof (value as Partial<StandardSchema> | null)?.['~standard']?.validate === 'function'

/** The members of a rule. `TopicRule` documents them. */
const ruleTable = {
  subscribe: permission,
  publish: permission,
  presence: option(flag()),
  store: option(flag()),
  schema: option(matching<StandardSchema>('a schema with the interface Standard Schema', isSchema)),
}

/** A rule with its pattern. */
export interface PatternRule extends TopicRule {
  readonly pattern: string
}

/** The rules of a hub in their order. The first one whose pattern matches a topic counts. */
export class TopicRules {
  readonly #rules: readonly PatternRule[]

  /** Throws a UsageError for a name that is no topic or pattern. */
  constructor(rules: Readonly<Record<string, TopicRule>>) {
    this.#rules = Object.entries(rules).map(([pattern, rule]) => {
      const fault = faultOfPattern(pattern)
      if (fault !== undefined) throw new UsageError('optionInvalid', `\`topics\` has the name "${pattern}": ${fault}`)
      return {
        ...(settleOptions(rule, ruleTable, {
          name: `the rule "${pattern}" of createHub()`,
          prefix: `topics["${pattern}"].`,
        }) as TopicRule),
        pattern,
      }
    })
  }

  get patterns(): string[] {
    return this.#rules.map(({ pattern }) => pattern)
  }

  ofTopic(topic: string): PatternRule | undefined {
    return this.#rules.find(({ pattern }) => matches(pattern, topic))
  }

  /**
   * The rule for a pattern that a client asks for: the first that covers all of it. Topics that another rule comes first for
   * must not be delivered to it.
   */
  ofPattern(asked: string): PatternRule | undefined {
    return this.#rules.find(({ pattern }) => covers(pattern, asked))
  }
}

/** Whether a pattern matches each topic that another one matches. */
function covers(pattern: string, asked: string): boolean {
  const tokens = pattern.split('.')
  const askedTokens = asked.split('.')
  for (const [index, token] of tokens.entries()) {
    const want = askedTokens[index]
    if (want === undefined) return false
    if (token === '>') return true
    if (want === '>' || (token !== '*' && token !== want)) return false
  }
  return askedTokens.length === tokens.length
}
