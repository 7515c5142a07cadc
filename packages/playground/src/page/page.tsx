import type { JSX } from 'preact'
import { BufferedCard } from './cards/buffered-card.js'
import { CodeCard } from './cards/code-card.js'
import { ConnectionCard } from './cards/connection-card.js'
import { RoundTripCard } from './cards/round-trip-card.js'
import { SendCard } from './cards/send-card.js'
import { SettingsCard } from './cards/settings-card.js'
import { TimelineCard } from './cards/timeline-card.js'
import { PageHeader } from './page-header.js'

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
