/**
 * `npm start` runs a shell, which runs us. npm hands a SIGTERM to the shell alone; a shell such as dash dies of it without
 * a word to us, and we would live on with nobody to end us. So where our parent is gone, the signal was meant for us.
 */

if (process.env.npm_lifecycle_event && process.platform !== 'win32') {
  const shell = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 200)
  watch.unref()
}
