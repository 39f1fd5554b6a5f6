// Loaded before Azurite: sees to it that Azurite ends when it is told to, and with the process that started it.
const GRACE_MS = 15000;
const AGAIN_MS = 50;

// Azurite listens to this signal only from a moment after it has started: one that comes earlier is sent again.
process.on("SIGTERM", () => {
  if (process.listenerCount("SIGTERM") === 1) {
    setTimeout(() => process.kill(process.pid, "SIGTERM"), AGAIN_MS).unref();
  }
});

// What it prints when it ends has no reader any more once that process is gone, which must not keep it from saving.
for (const output of [process.stdout, process.stderr]) {
  output.on("error", () => {});
}

// The process that started this one holds the other end of standard input and writes nothing to it, so the end of the
// input is the end of that process.
process.stdin
  .on("error", () => {})
  .on("close", () => {
    process.kill(process.pid, "SIGTERM");
    setTimeout(() => process.exit(1), GRACE_MS).unref();
  })
  .resume()
  // Watching must not keep a stopped Azurite alive.
  .unref();
