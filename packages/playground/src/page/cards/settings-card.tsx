import type { JSX } from 'preact'
import {
  type EchoSetting,
  echoSettings,
  settingIn,
  switchSetting,
  withoutSettings,
  withSetting,
} from '../../echo-settings.js'
import { fill } from '../../words/fill.js'
import { connect, isOpen, protocols, protocolsField, session, urlField } from '../model.js'
import { words } from '../preferences.js'

const groups = [
  { key: 'time', title: 'groupTime' },
  { key: 'frames', title: 'groupFrames' },
  { key: 'end', title: 'groupEnd' },
  { key: 'handshake', title: 'groupHandshake' },
  { key: 'traffic', title: 'groupTraffic' },
] as const

/** A button for each setting of the echo service. Their state is kept in the URL field. */
export function SettingsCard(): JSX.Element {
  const w = words.value
  const isUrl = URL.canParse(urlField.value)
  const count = echoSettings.filter(({ name }) => settingIn(urlField.value, name) !== undefined).length
  const isNews = isUrl && new URL(urlField.value).href !== session.url.value
  return (
    <section class="card settings" aria-labelledby="settings-title">
      <div class="card-head">
        <h2 id="settings-title">{w.settings}</h2>
        <p class="count" role="status">
          {count === 0 ? w.settingsNone : fill(w.settingsCount, { count })}
        </p>
        <p class="hint">{isUrl ? w.settingsHint : w.settingsNoUrl}</p>
        <div class="setting-actions">
          <button
            type="button"
            class="chip"
            id="plain-echo"
            disabled={count === 0}
            onClick={() => {
              urlField.value = withoutSettings(urlField.value)
            }}
          >
            {w.settingsClear}
          </button>
          <button type="button" class="button button-primary" id="apply-settings" disabled={!isNews} onClick={connect}>
            {isOpen.value ? w.settingsApply : w.connect}
          </button>
        </div>
      </div>
      <div class="setting-groups">
        {groups.map(({ key, title }) => (
          <fieldset key={key} disabled={!isUrl}>
            <legend class="small-label">{w[title]}</legend>
            {echoSettings
              .filter(({ group }) => group === key)
              .map((setting) => (
                <Setting key={setting.name} setting={setting} />
              ))}
          </fieldset>
        ))}
      </div>
    </section>
  )
}

function Setting({ setting }: { readonly setting: EchoSetting }): JSX.Element {
  const { name, input } = setting
  const w = words.value
  const value = settingIn(urlField.value, name)
  const press = (): void => {
    urlField.value = switchSetting(urlField.value, setting)
    // The service chooses only a subprotocol that is offered.
    if (name === 'subprotocol' && value === undefined && !protocols.value.includes(setting.initial)) {
      protocolsField.value = [...protocols.value, setting.initial].join(', ')
    }
  }
  const hintId = `setting-${name}-hint`
  return (
    <div class={`setting ${value === undefined ? '' : 'is-on'}`}>
      <button
        type="button"
        class="setting-switch"
        id={`setting-${name}`}
        aria-pressed={value !== undefined}
        aria-describedby={hintId}
        onClick={press}
      >
        {name}
      </button>
      {value !== undefined && input !== 'none' && (
        <input
          class="code-input setting-value"
          aria-label={fill(w.settingValue, { name })}
          inputMode={input === 'number' ? 'decimal' : 'text'}
          autoComplete="off"
          value={value}
          onInput={({ currentTarget }) => {
            urlField.value = withSetting(urlField.value, name, currentTarget.value)
          }}
        />
      )}
      <span class="setting-hint" id={hintId}>
        {w[`setting_${name}` as keyof typeof w]}
      </span>
    </div>
  )
}
