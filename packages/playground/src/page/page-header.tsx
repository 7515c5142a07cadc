import type { JSX } from 'preact'
import { Icon, Logo } from './icons.js'
import { language, theme, themes, words } from './preferences.js'
import { Segments } from './segments.js'

export function PageHeader(): JSX.Element {
  const { tagline, language: languageWord, theme: themeWord, ...rest } = words.value
  const themeNames = { system: rest.themeSystem, light: rest.themeLight, dark: rest.themeDark }
  return (
    <header class="page-header">
      <a class="skip" href="#timeline">
        {rest.skip}
      </a>
      <div class="page-header-inner">
        <Logo />
        <div class="brand">
          <h1>Twoway</h1>
          <p>{tagline}</p>
        </div>
        <div class="preferences">
          <Segments
            label={languageWord}
            value={language.value}
            choices={[
              { value: 'en', label: <span lang="en">EN</span>, name: 'English' },
              { value: 'zh', label: <span lang="zh-Hans">中文</span>, name: '中文' },
            ]}
            onChoose={(value) => {
              language.value = value
            }}
          />
          <Segments
            label={themeWord}
            value={theme.value}
            choices={themes.map((value) => ({ value, label: <Icon name={value} />, name: themeNames[value] }))}
            onChoose={(value) => {
              theme.value = value
            }}
          />
        </div>
      </div>
    </header>
  )
}
