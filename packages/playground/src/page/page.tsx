import type { JSX } from 'preact'
import { BufferedCard } from './buffered-card.js'
import { CodeCard } from './code-card.js'
import { ConnectionCard } from './connection-card.js'
import { PageHeader } from './page-header.js'
import { RoundTripCard } from './round-trip-card.js'
import { SendCard } from './send-card.js'
import { SettingsCard } from './settings-card.js'
import { TimelineCard } from './timeline-card.js'

export function Page(): JSX.Element {
  return (
    <>
      <PageHeader />
      <main class="grid">
        <ConnectionCard />
        <SendCard />
        <TimelineCard />
        <SettingsCard />
        <div class="measures">
          <BufferedCard />
          <RoundTripCard />
        </div>
        <CodeCard />
      </main>
    </>
  )
}
