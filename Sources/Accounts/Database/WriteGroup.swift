import GRDB
import Synchronization

/// Collects waiting writers into shared transactions: one fsync for many commits.
///
/// While one transaction runs on GRDB's writer queue, newcomers wait; the next transaction takes them all, up to a
/// limit. Every unit of work runs in a savepoint, and is answered only after the commit that holds it.
final class WriteGroup: Sendable {
  private struct Job: Sendable {
    /// Runs the work inside its savepoint and keeps its outcome.
    let perform: @Sendable (Database) throws -> Void
    /// Answers the waiting task; an error is the whole transaction's.
    let finish: @Sendable ((any Error)?) -> Void
  }
  private struct State {
    var waiting: [Job] = []
    var isRunning = false
  }
  private let state = Mutex(State())
  private let pool: DatabasePool
  private let limit: Int

  init(pool: DatabasePool, limit: Int) {
    self.pool = pool
    self.limit = max(1, limit)
  }

  func submit<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      let outcome = Outcome<T>()
      let job = Job(
        perform: { try outcome.run(body, in: $0) },
        finish: { error in
          if let error {
            continuation.resume(throwing: error)
          } else {
            continuation.resume(with: outcome.result)
          }
        })
      let start = state.withLock { state in
        state.waiting.append(job)
        defer { state.isRunning = true }
        return !state.isRunning
      }
      if start { runNext() }
    }
  }

  private func runNext() {
    pool.asyncWriteWithoutTransaction { [self] database in
      let jobs = state.withLock { state in
        let batch = Array(state.waiting.prefix(limit))
        state.waiting.removeFirst(batch.count)
        return batch
      }
      var failure: (any Error)?
      do {
        try database.inTransaction(.immediate) {
          for job in jobs { try job.perform(database) }
          return .commit
        }
      } catch {
        failure = error
      }
      for job in jobs { job.finish(failure) }
      let more = state.withLock { state in
        state.isRunning = !state.waiting.isEmpty
        return state.isRunning
      }
      if more { runNext() }
    }
  }
}

/// Where one unit of work leaves its result until the transaction is committed.
private final class Outcome<T: Sendable>: Sendable {
  private let stored = Mutex<Result<T, any Error>?>(nil)

  var result: Result<T, any Error> {
    stored.withLock { $0 } ?? .failure(DatabaseError(resultCode: .SQLITE_ABORT, message: "the write never ran"))
  }

  func run(_ body: (Database) throws -> T, in database: Database) throws {
    var value: Result<T, any Error>
    do {
      var kept: T?
      try database.inSavepoint {
        kept = try body(database)
        return .commit
      }
      value = kept.map { .success($0) } ?? .failure(DatabaseError(resultCode: .SQLITE_ABORT))
    } catch {
      value = .failure(error)
      // A full disk or an I/O error undoes the whole transaction, not only this savepoint.
      guard database.isInsideTransaction else { throw error }
    }
    stored.withLock { [value] in $0 = value }
  }
}
