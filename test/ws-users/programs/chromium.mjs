/** Debian's Chromium, without a window, and without a sandbox because it may run as root. */
export const executablePath = '/usr/bin/chromium'
export const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
