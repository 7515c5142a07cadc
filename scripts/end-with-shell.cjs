/**
 * `npm start` runs a shell, which runs this process. npm sends a SIGTERM only to the shell. A shell such as dash ends without
 * passing it on, and this process would stay. So when the parent is gone, this process ends as if it had the signal.
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
