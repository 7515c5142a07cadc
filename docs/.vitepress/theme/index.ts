import { type Theme, useRoute } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import { nextTick, onMounted, watch } from 'vue'
import LiveExample from './LiveExample.vue'
import LivePanel from './LivePanel.vue'
import './style.css'

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('LiveExample', LiveExample)
    app.component('LivePanel', LivePanel)
  },
  setup() {
    // The theme gives its front page no landmark, and scrolling blocks of code and tables no way for the keyboard.
    const improve = () => {
      document.querySelector('.VPHome')?.setAttribute('role', 'main')
      for (const element of document.querySelectorAll('.vp-doc table, .vp-doc pre'))
        element.setAttribute('tabindex', '0')
    }
    const route = useRoute()
    onMounted(improve)
    watch(
      () => route.path,
      () => nextTick(improve),
    )
  },
} satisfies Theme
