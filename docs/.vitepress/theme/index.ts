import type { Theme } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import LiveExample from './LiveExample.vue'
import LivePanel from './LivePanel.vue'
import './style.css'

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('LiveExample', LiveExample)
    app.component('LivePanel', LivePanel)
  },
} satisfies Theme
