import type { JSX } from 'preact'
import { words } from '../preferences.js'
import { Tabs } from '../tabs.js'
import { SendDrawing } from './send-drawing.js'
import { SendFile } from './send-file.js'
import { SendText } from './send-text.js'

export function SendCard(): JSX.Element {
  const w = words.value
  return (
    <section class="card send" aria-labelledby="send-title">
      <h2 id="send-title">{w.send}</h2>
      <Tabs
        label={w.sendKind}
        tabs={[
          { key: 'text', label: w.tabText, content: <SendText /> },
          { key: 'file', label: w.tabFile, content: <SendFile /> },
          { key: 'drawing', label: w.tabDrawing, content: <SendDrawing /> },
        ]}
      />
    </section>
  )
}
