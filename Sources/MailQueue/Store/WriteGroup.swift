import Dispatch
import GRDB
import Synchronization

/// Batches the changes that wait, so that they share one sync of the folder and one transaction.
///
/// Each change has a savepoint of its own: one that fails does not harm the others. A change that was begun ends
/// whatever happens to the task that asked for it, so that "kept or not kept" is always known.
final class WriteGroup: Sendable {
  private struct Change: Sendable {
    var syncsFolder: Bool
    /// Runs the change; what it returns resumes the caller after the commit.
    var run: @Sendable (Database) throws -> @Sendable () -> Void
    var fail: @Sendable (any Error) -> Void
  }
  private struct State {
    var waiting: [Change] = []
    var running = false
  }

  private let state = Mutex(State())
  private let thread = DispatchQueue(label: "martinet.queue.writer")
  private let pool: DatabasePool
  private let folder: SpoolFolder
  private let size: Int

  init(pool: DatabasePool, folder: SpoolFolder, size: Int) {
    self.pool = pool
    self.folder = folder
    self.size = max(1, size)
  }

  /// Makes a change and waits until it is committed.
  ///
  /// - Parameter syncsFolder: whether a message file's name must be durable before the commit.
  func perform<Value: Sendable>(
    syncsFolder: Bool = false, _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
      let change = Change(
        syncsFolder: syncsFolder,
        run: { db in
          let value = try body(db)
          return { continuation.resume(returning: value) }
        }, fail: { continuation.resume(throwing: $0) })
      let start = state.withLock { state in
        state.waiting.append(change)
        defer { state.running = true }
        return !state.running
      }
      if start { thread.async { self.drain() } }
    }
  }

  private func drain() {
    while true {
      let batch = state.withLock { state in
        let batch = Array(state.waiting.prefix(size))
        state.waiting.removeFirst(batch.count)
        state.running = !batch.isEmpty
        return batch
      }
      if batch.isEmpty { return }
      commit(batch)
    }
  }

  private func commit(_ batch: [Change]) {
    var replies: [@Sendable () -> Void] = []
    var failures: [@Sendable () -> Void] = []
    var done = 0
    do {
      if batch.contains(where: \.syncsFolder) { try folder.sync() }
      try pool.write { db in
        for change in batch {
          do {
            try db.inSavepoint {
              let reply = try change.run(db)
              replies.append(reply)
              return .commit
            }
          } catch {
            // A full disk or a broken file ends the transaction itself; then nothing of the batch was kept.
            guard db.isInsideTransaction else { throw error }
            failures.append { change.fail(error) }
          }
          done += 1
        }
      }
    } catch {
      for change in batch { change.fail(error) }
      return
    }
    for reply in replies + failures { reply() }
  }
}
