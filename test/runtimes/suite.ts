import { WebSocket } from 'twoway'
import type { Capability as RuleCapability } from '../whatwg/rule.js'
import { type Outcomes, runRules } from '../whatwg/rules.js'
import type { Addresses, Outcome } from './case.js'
import { cases } from './cases.js'
import { runCase } from './run-case.js'

/** The order for a runner, as JSON. */
export interface Order {
  readonly addresses: Addresses
  /** The known gaps of the runtime, with the reasons. */
  readonly lacks: { readonly [capability: string]: string }
  /** Runs the cases whose names start with this; none if it is undefined. */
  readonly cases?: string
  /** Runs the rules of the standard: against the class of `twoway`, or against the platform's own. */
  readonly rules?: 'ours' | 'platform'
}

/** The results of each case and rule. */
export interface Report {
  readonly cases: readonly Outcome[]
  /** Empty if no rule was ordered, or if the platform has no WebSocket. */
  readonly rules: Outcomes
}

/** Runs the suite sequentially, on any runtime. */
export async function runSuite({ addresses, lacks, cases: prefix, rules }: Order): Promise<Report> {
  const outcomes: Outcome[] = []
  for (const each of cases) {
    if (prefix === undefined || !each.name.startsWith(prefix)) continue
    const result = await runCase(() => each.run(addresses))
    const lacking = each.needs?.find((capability) => capability in lacks)
    outcomes.push({ name: each.name, result: lacking === undefined ? result : judge(result, lacking, lacks[lacking]!) })
  }
  const tested = rules === 'platform' ? (globalThis.WebSocket as typeof WebSocket | undefined) : WebSocket
  if (rules === undefined || tested === undefined) return { cases: outcomes, rules: {} }
  const { scriptedUrl: url, rawUrl, deafUrl } = addresses
  const environment = { WebSocket: tested, url, rawUrl, deafUrl, capabilities: ruleCapabilities() }
  return { cases: outcomes, rules: await runRules(environment) }
}

/** A case that cannot pass runs too, so that a fault that the runtime has fixed does not stay in the list. */
function judge(result: string, lacking: string, reason: string): string {
  return result === 'pass' ? `fails: it passes, so ${lacking} is lacking no more` : `lacks ${lacking}: ${reason}`
}

/** The needs of rules that this runtime meets. */
function ruleCapabilities(): ReadonlySet<RuleCapability> {
  const isPage = 'document' in globalThis
  return new Set<RuleCapability>([
    ...(isPage ? (['baseUrl', 'trustedEvents', 'promisesBetweenListeners'] as const) : (['noBaseUrl'] as const)),
    ...('SharedArrayBuffer' in globalThis ? (['sharedMemory'] as const) : []),
    ...('resizable' in ArrayBuffer.prototype ? (['resizableBuffers'] as const) : []),
  ])
}
