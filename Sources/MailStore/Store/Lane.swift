import NIOPosix
import Synchronization

/// Runs an actor's work one piece at a time on blocking threads, so that the actor may touch files and SQLite.
///
/// The actor never waits in the middle of a change, and nothing of it runs on an event loop or the cooperative pool.
final class Lane: SerialExecutor {
  private struct State {
    var waiting: [UnownedJob] = []
    var isRunning = false
  }
  private let state = Mutex(State())
  private let pool: NIOThreadPool

  init(pool: NIOThreadPool) { self.pool = pool }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let start = state.withLock { state in
      state.waiting.append(job)
      if state.isRunning { return false }
      state.isRunning = true
      return true
    }
    if start { pool.submit { _ in self.drain() } }
  }

  private func drain() {
    let executor = asUnownedSerialExecutor()
    // Two turns, then the next lane's: a busy account does not keep a thread for itself.
    for _ in 0..<2 {
      let jobs = state.withLock { state in
        let jobs = state.waiting
        state.waiting = []
        if jobs.isEmpty { state.isRunning = false }
        return jobs
      }
      if jobs.isEmpty { return }
      for job in jobs { job.runSynchronously(on: executor) }
    }
    pool.submit { _ in self.drain() }
  }
}
