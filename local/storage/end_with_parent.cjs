// Loaded before Azurite: asks it to stop as soon as the process that started it is gone. That process holds the other end
// of standard input and writes nothing to it, so the end of the input is its end.
const GRACE_MS = 5000;

process.stdin
  .on("error", () => {})
  .on("close", () => {
    process.kill(process.pid, "SIGTERM");
    setTimeout(() => process.exit(1), GRACE_MS).unref();
  })
  .resume()
  // Watching must not keep a stopped Azurite alive.
  .unref();
