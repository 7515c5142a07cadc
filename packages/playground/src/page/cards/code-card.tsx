import type { JSX } from 'preact'
import { codeTokens } from '../../code-tokens.js'
import { type Action, snippetFor } from '../../snippet.js'
import type { Words } from '../../words/english.js'
import { CopyButton } from '../copy-button.js'
import { lastAction, protocols, session, urlField } from '../model.js'
import { words } from '../preferences.js'

const names: Readonly<Record<Action['kind'], keyof Words>> = {
  connect: 'codeConnect',
  text: 'codeText',
  file: 'codeFile',
  drawing: 'codeDrawing',
  bulk: 'codeBulk',
  roundTrips: 'codeRoundTrips',
  close: 'codeClose',
}

/** The last action, as a program. */
export function CodeCard(): JSX.Element {
  const w = words.value
  const action = lastAction.value
  const code = snippetFor(action, {
    url: session.url.value || urlField.value,
    protocols: protocols.value,
    binaryType: session.binaryType.value,
  })
  return (
    <section class="card code" aria-labelledby="code-title">
      <div class="card-head">
        <h2 id="code-title">{w.code}</h2>
        <span class="badge">{w[names[action.kind]]}</span>
        <CopyButton text={() => code} />
      </div>
      <p class="hint">{w.codeHint}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <pre class="snippet" tabIndex={0} id="snippet" lang="en">
        <code>
          {codeTokens(code).map(({ kind, text }, index) => (
            <span key={index} class={`token-${kind}`}>
              {text}
            </span>
          ))}
        </code>
      </pre>
    </section>
  )
}
