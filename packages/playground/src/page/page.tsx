import type { JSX } from 'preact'
import { BufferedCard } from './cards/buffered-card.js'
import { CodeCard } from './cards/code-card.js'
import { ConnectionCard } from './cards/connection-card.js'
import { RoundTripCard } from './cards/round-trip-card.js'
import { SendCard } from './cards/send-card.js'
import { SettingsCard } from './cards/settings-card.js'
import { TimelineCard } from './cards/timeline-card.js'
import { PageHeader } from './page-header.js'
import { view, words } from './preferences.js'
import { Segments } from './segments.js'
import { TopicsView } from './topics/topics-view.js'

export function Page(): JSX.Element {
  const w = words.value
  return (
    <>
      <PageHeader />
      <nav class="views" aria-label={w.pageView}>
        <Segments
          label={w.pageView}
          value={view.value}
          choices={[
            { value: 'echo', label: w.viewEcho },
            { value: 'topics', label: w.viewTopics },
          ]}
          onChoose={(value) => {
            view.value = value
          }}
        />
      </nav>
      <main class="topics-grid" hidden={view.value !== 'topics'}>
        <TopicsView />
      </main>
      <main class="grid" hidden={view.value !== 'echo'}>
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
